"""Values of event streams: headers that tell their type, messages that do not show what they hold."""

from __future__ import annotations

import dataclasses
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from stablehttp.framing import (
    EventHeader,
    EventMessage,
    HeaderType,
    InvalidFrameError,
    decode_event_headers,
    encode_event_headers,
)

PARIS = timezone(timedelta(hours=2))
TOLD = {
    "a boolean": (True, HeaderType.BOOLEAN, True),
    "text": ("x", HeaderType.STRING, "x"),
    "octets": (b"x", HeaderType.BYTE_ARRAY, b"x"),
    "a uuid": (UUID(int=7), HeaderType.UUID, UUID(int=7)),
    "a time": (datetime(1970, 1, 1, 0, 0, 1, 999, tzinfo=UTC), HeaderType.TIMESTAMP, 1000),
    "a time before 1970": (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), HeaderType.TIMESTAMP, -1000),
    "a time elsewhere": (datetime(1970, 1, 1, 2, tzinfo=PARIS), HeaderType.TIMESTAMP, 0),
    "the last time there is": (datetime.max.replace(tzinfo=UTC), HeaderType.TIMESTAMP, 253402300799999),
}


@pytest.mark.parametrize(("given", "kind", "value"), TOLD.values(), ids=TOLD.keys())
def test_a_value_tells_the_type_of_its_header(given: Any, kind: HeaderType, value: Any) -> None:
    assert EventHeader.of("a", given) == EventHeader("a", kind, value)


@pytest.mark.parametrize("given", [7, 1.5, None, datetime(2020, 1, 1)], ids=["int", "float", "None", "no zone"])  # noqa: DTZ001
def test_a_value_that_does_not_tell_the_type_is_refused(given: Any) -> None:
    with pytest.raises(InvalidFrameError, match=f"a value of type {type(given).__name__} does not tell"):
        EventHeader.of("a", given)


def test_true_and_one_are_different_headers() -> None:
    assert EventHeader("a", HeaderType.BOOLEAN, True) != EventHeader("a", HeaderType.BYTE, 1)


def test_a_message_takes_any_sequence_and_is_frozen() -> None:
    header = EventHeader.of("a", "b")
    headers: Any = [header]
    payload: Any = bytearray(b"x")

    message = EventMessage(headers, payload)
    anything: Any = message

    assert message == EventMessage((header,), b"x")
    assert isinstance(message.payload, bytes)
    assert hash(message) == hash(EventMessage((header,), b"x"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        anything.payload = b""


def test_a_payload_that_is_no_octets_is_refused() -> None:
    payload: Any = 3

    with pytest.raises(TypeError):
        EventMessage((), payload)


def test_a_header_is_found_by_its_exact_name() -> None:
    message = EventMessage((EventHeader.of("a", "b"),))

    assert message.get("a") == EventHeader.of("a", "b")
    assert message.get("A") is None


def test_repr_shows_neither_values_nor_payload() -> None:
    message = EventMessage((EventHeader.of("a", "secret"),), b"secret")

    assert repr(message) == "EventMessage(headers=('a'), payload=<6 octets>)"
    assert repr(message.headers[0]) == "EventHeader('a', HeaderType.STRING)"


def test_errors_show_neither_values_nor_payload() -> None:
    with pytest.raises(InvalidFrameError) as caught:
        EventHeader("a", HeaderType.BYTE, "secret")

    assert "secret" not in str(caught.value)


def test_values_survive_pickling() -> None:
    message = EventMessage((EventHeader.of("a", UUID(int=1)),), b"x")

    assert pickle.loads(pickle.dumps(message)) == message


def test_headers_alone_are_written_and_read_for_signers() -> None:
    headers = (EventHeader(":date", HeaderType.TIMESTAMP, 8), EventHeader.of(":chunk-signature", b"\x01"))

    assert encode_event_headers(headers[:1]).hex() == "053a6461746508" + "0000000000000008"
    assert decode_event_headers(encode_event_headers(headers)) == headers
