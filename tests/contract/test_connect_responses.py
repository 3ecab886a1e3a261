"""Connect calls to a scripted origin, through every connector: what the conformance suite asks of clients (R11)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.connect_callers import AsyncCaller, SyncCaller, calling
from tests.contract.subjects import missing, subjects
from tests.vectors import vectors

from stablehttp import CallOptions, Capability, HttpSettings, HttpVersion, ReadTimeoutError, Timeouts
from stablehttp.connect import ConnectCallError, ConnectCode, ConnectDeadlineError, ConnectMethod
from stablehttp.framing import WireError, encode_end_of_stream, encode_envelope
from stablehttp.testing import Answer, Gate, Origin, generated
from stablehttp.testing.contract import Subject

pytestmark = pytest.mark.timeout(40)

CASES: list[dict[str, Any]] = vectors("connect/raw-responses.json")
METHOD = ConnectMethod("acme.v1.Talk/Say", codec="proto")
STREAM = [("Content-Type", "application/connect+proto")]
END = encode_end_of_stream()


def cases(colour: str = "") -> Iterator[object]:
    for subject in subjects():
        if colour in ("", subject.colour):
            reason = missing(subject.name, subject.colour)
            yield pytest.param(subject, id=str(subject), marks=[pytest.mark.skip(reason=reason)] if reason else [])


def origin_for(subject: Subject, answer: Answer | None = None) -> Origin:
    return Origin(answer, tls=subject.tls, http2=subject.version is HttpVersion.HTTP_2)


every_connector = pytest.mark.parametrize("subject", list(cases()))


def ca_of(origin: Origin, subject: Subject) -> str | None:
    return str(origin.ca_file) if subject.tls else None


async def outcome(caller: AsyncCaller | SyncCaller, kind: str) -> ConnectCallError | None:
    """Make a call of this kind, and give how it failed."""
    try:
        if kind == "unary":
            await caller.unary(METHOD, b"")
        elif kind == "client_stream":
            await caller.client_stream(METHOD, [b""])
        else:
            error = (await caller.server_stream(METHOD, b"")).error
            assert error is None or isinstance(error, ConnectCallError)
            return error
    except ConnectCallError as error:
        return error
    return None


@every_connector
async def test_raw_responses_have_the_outcome_that_conformance_asks_for(subject: Subject) -> None:
    """R11: unexpected responses, errors in the end of a stream, empty responses, statuses."""
    with origin_for(subject) as origin:
        async with calling(subject, origin.url, ca_of(origin, subject)) as caller:
            for case in CASES:
                fields = [(name, value) for name, value in case["headers"]]
                origin.script([Answer(case["status"] or 200, bytes.fromhex(case["body"]), fields=fields)])

                error = await outcome(caller, case["stream_type"])

                wanted = case["error"]
                if wanted is None:
                    assert error is None, case["id"]
                else:
                    assert error is not None, case["id"]
                    assert error.code in {wanted["code"], *case["other_codes"]}, case["id"]
                    assert error.message == wanted["message"], case["id"]
        assert origin.unplayed == 0


@every_connector
async def test_a_message_is_there_before_the_next_is_sent(subject: Subject) -> None:
    """R1, R10: nothing waits for more than a message."""
    gate = Gate()
    content = [encode_envelope(b"first"), gate, encode_envelope(b"second") + END]
    with origin_for(subject, Answer(200, content, fields=STREAM)) as origin:
        async with calling(subject, origin.url, ca_of(origin, subject)) as caller:
            if isinstance(caller, AsyncCaller):
                async with await caller.client.server_stream(METHOD, b"") as stream:
                    first = await anext(stream)
                    gate.open()
                    rest = [each async for each in stream]
            else:
                client = caller.client

                def read() -> tuple[bytes, list[bytes]]:
                    with client.server_stream(METHOD, b"") as stream:
                        first = next(stream)
                        gate.open()
                        return first, list(stream)

                first, rest = await asyncio.to_thread(read)

    assert (first, rest) == (b"first", [b"second"])


@every_connector
async def test_silence_and_lateness_are_two_things(subject: Subject) -> None:
    """R10: a stream that is silent for too long, and one that lasts for too long."""
    gate = Gate()
    with origin_for(subject, Answer(200, [encode_envelope(b"first"), gate], fields=STREAM)) as origin:
        async with calling(subject, origin.url, ca_of(origin, subject)) as caller:
            silent = await caller.server_stream(METHOD, b"", options=CallOptions(timeouts=Timeouts(read=0.2)))
            late = await caller.server_stream(METHOD, b"", deadline=0.3)
            gate.open()

    assert (silent.messages, late.messages) == ([b"first"], [b"first"])
    assert isinstance(silent.error, ReadTimeoutError)
    assert not isinstance(silent.error, ConnectCallError)
    assert isinstance(late.error, ConnectDeadlineError)
    assert isinstance(late.error, TimeoutError)
    assert (late.error.code, late.error.seconds) == (ConnectCode.DEADLINE_EXCEEDED, 0.3)
    assert (late.error.method, late.error.origin) == ("POST", origin.url)


@every_connector
async def test_the_error_in_the_end_does_not_wait_for_the_end_of_the_response(subject: Subject) -> None:
    """R4, U-J2."""
    gate = Gate()
    end = encode_end_of_stream(WireError(ConnectCode.ABORTED, "enough"))
    with origin_for(subject, Answer(200, [encode_envelope(b"one") + end, gate], fields=STREAM)) as origin:
        async with calling(subject, origin.url, ca_of(origin, subject)) as caller:
            since = time.monotonic()
            heard = await caller.server_stream(METHOD, b"")
            took = time.monotonic() - since
            gate.open()

    assert heard.messages == [b"one"]
    assert isinstance(heard.error, ConnectCallError)
    assert (heard.error.code, heard.error.message) == (ConnectCode.ABORTED, "enough")
    assert took < 2


@every_connector
async def test_calls_that_ended_leave_their_connection_to_the_next(subject: Subject) -> None:
    answers = [
        Answer(200, b"m", fields=[("Content-Type", "application/proto")]),
        Answer(200, encode_envelope(b"one") + END, fields=STREAM),
        Answer(200, [encode_envelope(b"one"), END], fields=STREAM),
        Answer(404, b'{"code": "not_found"}', fields=[("Content-Type", "application/json")]),
    ]
    with origin_for(subject) as origin:
        origin.script([*answers, *answers])
        async with calling(subject, origin.url, ca_of(origin, subject)) as caller:
            for _ in range(2):
                for kind in ("unary", "client_stream", "server_stream", "unary"):
                    await outcome(caller, kind)
        used = [connection for connection in origin.connections if connection.requests]
        assert len(used) == (2 if splits(subject) else 1)
        assert origin.unplayed == 0


@pytest.mark.parametrize("subject", list(cases("async")))
async def test_messages_that_are_not_taken_are_not_fetched(subject: Subject) -> None:
    """R10: a consumer that waits holds back the server, and memory stays flat."""
    pieces = [encode_envelope(block) for block in generated(48 * 1024 * 1024)]
    with origin_for(subject, Answer(200, [*pieces, END], fields=STREAM)) as origin:
        async with calling(subject, origin.url, ca_of(origin, subject)) as caller:
            assert isinstance(caller, AsyncCaller)
            async with await caller.client.server_stream(METHOD, b"") as stream:
                await anext(stream)
                sent = -1
                while sent != origin.connections[0].octets_sent:
                    sent = origin.connections[0].octets_sent
                    await asyncio.sleep(0.2)

                assert sent < 24 * 1024 * 1024


@pytest.mark.parametrize("subject", list(cases("async")))
async def test_an_early_error_ends_the_iterator_of_the_caller(subject: Subject) -> None:
    """U-J2: it arrives while the request is still open, and the iterator is closed."""
    if not early(subject):
        pytest.skip("the client reads no response before its request was sent")
    ended = asyncio.Event()

    async def messages() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"more"
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    end = encode_end_of_stream(WireError(ConnectCode.RESOURCE_EXHAUSTED, "stop"))
    with origin_for(subject, Answer(200, end, fields=STREAM, reading="never")) as origin:
        async with calling(subject, origin.url, ca_of(origin, subject)) as caller:
            assert isinstance(caller, AsyncCaller)
            with pytest.raises(ConnectCallError) as caught:
                await caller.client.client_stream(METHOD, messages())
            await asyncio.wait_for(ended.wait(), 2)

    assert (caught.value.code, caught.value.message) == (ConnectCode.RESOURCE_EXHAUSTED, "stop")


def splits(subject: Subject) -> bool:
    """The CRT sends streamed content over HTTP/1.1 on connections of other threads than the rest."""
    return subject.name == "crt" and subject.version is HttpVersion.HTTP_1_1


def early(subject: Subject) -> bool:
    """Whether its client hands out a response before the request was sent."""
    made = subject.make(HttpSettings(), (subject.version,))
    return Capability.EARLY_RESPONSE in made.capabilities[subject.version]
