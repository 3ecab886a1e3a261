"""Streams of signed events (W11)."""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from stablehttp._errors import ClosedError, SigningError
from stablehttp.signers import Credentials, EventChain, EventSigner, SigV4Signer

NOW = datetime(1973, 11, 29, 21, 33, 9, 1234, tzinfo=UTC)
SEED = hashlib.sha256(b"last message sts").hexdigest()


@pytest.fixture
def event_signer() -> EventSigner:
    signer = SigV4Signer(Credentials("fake access key", "fake secret key"), region="us-east-1", service="transcribe")
    return signer.event_signer()


def message(payload: bytes) -> bytes:
    """An event with one string header, as the tests of aws-sigv4 for Rust make it."""
    headers = b"\x0bsome-header\x07" + struct.pack(">H", 5) + b"value"
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return head + struct.pack(">I", zlib.crc32(head))


def key_of(date: str) -> bytes:
    key = b"AWS4fake secret key"
    for step in (date, "us-east-1", "transcribe", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    return key


def test_an_event_signs_the_signature_before_it_its_time_and_itself(event_signer: EventSigner) -> None:
    """W11: the string to sign that aws-sigv4 for Rust tests with."""
    to_sign = (
        "AWS4-HMAC-SHA256-PAYLOAD\n"
        "19731129T213309Z\n"
        "19731129/us-east-1/transcribe/aws4_request\n"
        "be1f8c7d79ef8e1abc5254a2c70e4da3bfaf4f07328f527444e1fc6ea67273e2\n"
        "0c0e3b3bf66b59b976181bd7d401927bbd624107303c713fd1e5f3d3c8dd1b1e\n"
        "f2eba0f2e95967ee9fbc6db5e678d2fd599229c0d04b11e4fc8e0f2a02a806c6"
    )

    event = event_signer.sign_event(SEED, message(b"test payload"), NOW)

    assert event.signature == hmac.digest(key_of("19731129"), to_sign.encode(), "sha256")
    assert event.date == NOW.replace(microsecond=0)


def test_a_chain_hands_each_signature_to_the_next_event(event_signer: EventSigner) -> None:
    chain = EventChain(event_signer, SEED)

    first, second, last = chain.sign(b"one", NOW), chain.sign(b"two", NOW), chain.close(NOW)

    assert first == event_signer.sign_event(SEED, b"one", NOW)
    assert second == event_signer.sign_event(first.signature.hex(), b"two", NOW)
    assert last == event_signer.sign_event(second.signature.hex(), b"", NOW)


def test_a_chain_goes_on_past_midnight_with_the_key_of_the_new_day(event_signer: EventSigner) -> None:
    tomorrow = NOW + timedelta(days=1)

    event = EventChain(event_signer, SEED).sign(b"one", tomorrow)

    assert event == event_signer.sign_event(SEED, b"one", tomorrow)
    assert event != event_signer.sign_event(SEED, b"one", NOW)


def test_a_closed_chain_signs_nothing_more(event_signer: EventSigner) -> None:
    chain = EventChain(event_signer, SEED)
    chain.close(NOW)

    with pytest.raises(ClosedError, match="the last event of this stream was signed"):
        chain.sign(b"late", NOW)
    with pytest.raises(ClosedError, match="the last event of this stream was signed"):
        chain.close(NOW)


def test_an_empty_event_is_only_for_closing(event_signer: EventSigner) -> None:
    chain = EventChain(event_signer, SEED)

    with pytest.raises(SigningError, match="call close"):
        chain.sign(b"", NOW)

    assert chain.sign(b"one", NOW) == event_signer.sign_event(SEED, b"one", NOW)


def test_a_chain_needs_the_signature_of_the_request(event_signer: EventSigner) -> None:
    with pytest.raises(SigningError, match="give it as seed"):
        EventChain(event_signer, "")


def test_signatures_and_keys_are_not_shown(event_signer: EventSigner) -> None:
    event = event_signer.sign_event(SEED, b"one", NOW)

    assert event.signature.hex() not in repr(event)
    assert "fake secret key" not in repr(event_signer)
