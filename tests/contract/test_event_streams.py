"""Signed event streams through every connector, checked by an origin that works out each signature again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from tests.contract.subjects import missing, subjects
from tests.contract.test_duplex import TALKING, made
from tests.event_chain import SIGNER, checked_payloads

from stablehttp import (
    AsyncConnector,
    AsyncPipeline,
    Capability,
    EventStream,
    HttpSettings,
    HttpVersion,
    Request,
    SyncConnector,
    SyncPipeline,
    TLSSettings,
    aread_events,
    as_event_stream,
    read_events,
    with_events,
)
from stablehttp.framing import Event, EventMessage, EventStreamDecoder, encode_event_message, make_event
from stablehttp.testing import Answer, Gate, Origin
from stablehttp.testing.contract import Subject
from stablehttp_h11 import SyncH11Connector

KIND = [("Content-Type", "application/vnd.amazon.eventstream")]
THERE = [subject for subject in subjects() if missing(subject.name, subject.colour) is None]


def heard(number: int) -> bytes:
    return encode_event_message(make_event("Heard", b"%d" % number))


@pytest.mark.parametrize("subject", TALKING, ids=str)
async def test_signed_events_go_while_others_come(subject: Subject) -> None:
    """S15 W11: each event is sent after the answer to the one before it was read."""
    gates = [Gate() for _ in range(4)]
    steps = [step for number, gate in enumerate(gates) for step in (gate, heard(number))]
    answer = Answer(200, [*steps[:-1]], fields=KIND, reading="while", framing="chunked")
    with Origin(answer, tls=subject.tls, http2=subject.version is HttpVersion.HTTP_2) as origin:
        async with made(subject, origin) as connector:
            request = as_event_stream(Request("POST", origin.url), signed=True)
            async with EventStream(AsyncPipeline(connector, signer=SIGNER).open(request)) as stream:
                for number, gate in enumerate(gates[:-1]):
                    await stream.send(make_event("Audio", b"%d" % number * 100))
                    gate.open()
                    event = await anext(aiter(stream))
                    assert isinstance(event, Event)
                    assert event.payload == b"%d" % number
                await stream.send_end()
                received = await origin.atake()
                gates[-1].open()
                await stream.wait_closed()

    assert checked_payloads(received) == [b"%d" % number * 100 for number in range(3)]


@pytest.mark.parametrize("subject", THERE, ids=str)
async def test_signed_events_are_sent_through_every_connector(subject: Subject) -> None:
    """S15 R3: simplex out and in, in both colours."""
    answer = Answer(200, [heard(1), heard(2)], fields=KIND)
    with Origin(answer, tls=subject.tls, http2=subject.version is HttpVersion.HTTP_2) as origin:
        tls = TLSSettings(ca_file=str(origin.ca_file)) if subject.tls else TLSSettings()
        connector = subject.make(HttpSettings(tls=tls), (subject.version,))
        if Capability.STREAMED_REQUEST not in connector.capabilities[subject.version]:
            pytest.skip("content of unknown length is refused")
        if isinstance(connector, SyncConnector):
            payloads = await asyncio.to_thread(talk, connector, origin.url)
        else:
            payloads = await atalk(connector, origin.url)
        received = origin.take()

    assert payloads == [b"1", b"2"]
    assert checked_payloads(received) == [b"one", b"two"]


def audio() -> Iterator[EventMessage]:
    yield make_event("Audio", b"one")
    yield make_event("Audio", b"two")


def talk(connector: SyncConnector, url: str) -> list[bytes]:
    request = with_events(Request("POST", url), audio(), signed=True)
    with connector, SyncPipeline(connector, signer=SIGNER).send(request) as response:
        return [event.payload for event in read_events(response)]


async def atalk(connector: AsyncConnector, url: str) -> list[bytes]:
    async def events() -> AsyncIterator[EventMessage]:
        for event in audio():
            yield event

    request = with_events(Request("POST", url), events(), signed=True)
    async with connector, await AsyncPipeline(connector, signer=SIGNER).send(request) as response:
        return [event.payload async for event in aread_events(response)]


def test_the_check_notices_a_change() -> None:
    """The proofs above can fail: a changed event, a missing one, another order, no end."""
    with Origin(Answer(200, [heard(1)], fields=KIND)) as origin:
        talk(SyncH11Connector(), origin.url)
        received = origin.take()
    parts = [encode_event_message(message) for message in EventStreamDecoder().feed(received.content)]

    assert checked_payloads(replace(received, content=b"".join(parts))) == [b"one", b"two"]
    for broken in (parts[1:], parts[:-1], [parts[1], parts[0], parts[2]], [parts[0], parts[0], *parts[1:]]):
        with pytest.raises(AssertionError):
            checked_payloads(replace(received, content=b"".join(broken)))
