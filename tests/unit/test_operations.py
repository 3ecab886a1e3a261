"""What an operation needs and what a call asks for: checked before anything else happens."""

from __future__ import annotations

import pickle
import unittest.mock
from collections.abc import AsyncIterator, Iterator
from types import MappingProxyType
from typing import Literal, cast

import pytest

from stablehttp import (
    AnyRequest,
    AsyncBody,
    AsyncConnector,
    AsyncPipeline,
    CallOptions,
    Capability,
    HttpVersion,
    Interceptor,
    InvalidMessageError,
    Operation,
    OperationKind,
    Request,
    Response,
    SyncBody,
    SyncPipeline,
    Timeouts,
    UnsupportedTransportError,
)
from stablehttp._connectors import supports_duplex
from stablehttp._support import check_negotiated

CHAT = Operation("com.example#Chat", "duplex")
H1, H2 = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2


class Recorder(AsyncConnector):
    """Notes what it was given; declares what it is told to, for each version."""

    name = "recorder"

    def __init__(self, **capabilities: frozenset[Capability]) -> None:
        spoken = {"h1": H1, "h2": H2}
        self.capabilities = MappingProxyType({spoken[key]: can for key, can in (capabilities or {"h1": ALL}).items()})
        self.requests: list[AnyRequest] = []

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        self.requests.append(request)
        return Response(200)


ALL = frozenset(Capability) - {Capability.DUPLEX}


class Duck:
    """Written before there were declarations; may be given any attribute."""

    def __init__(self) -> None:
        self.requests: list[AnyRequest] = []

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        self.requests.append(request)
        return Response(200)


class SyncDuck:
    """The synchronous twin of `Duck`."""

    def __init__(self) -> None:
        self.requests: list[AnyRequest] = []

    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        self.requests.append(request)
        return Response(200)


class DuplexDuck(Duck):
    """Declares duplex streaming by the attribute alone."""

    SUPPORTS_DUPLEX_STREAMING: Literal[True] = True


class Spy(Interceptor):
    """Notes that it ran, and what it saw."""

    def __init__(self, name: str = "spy", seen: list[str] | None = None) -> None:
        self.name = name
        self.seen: list[str] = [] if seen is None else seen
        self.operations: list[Operation | None] = []

    def modify_before_signing(self, request: AnyRequest) -> None:
        self.seen.append(self.name)
        self.operations.append(request.extensions.get(Operation))


class UnstartedContent:
    """Content that notes when it is first looked at."""

    def __init__(self) -> None:
        self.started = False

    async def chunks(self) -> AsyncIterator[bytes]:
        self.started = True
        yield b"still here"


async def test_an_operation_that_needs_duplex_is_refused_before_anything_happens() -> None:
    """D4: no interceptor, no signer, no octet of the body, no transport; the body stays usable."""
    transport, spy, content = Duck(), Spy(), UnstartedContent()
    signer = unittest.mock.Mock()
    body = content.chunks()
    pipeline = AsyncPipeline(transport, interceptors=[spy], signer=signer)

    with pytest.raises(UnsupportedTransportError):
        await pipeline.send(Request("POST", "https://a.test/", body=body), operation=CHAT)

    assert (transport.requests, spy.seen, signer.mock_calls, content.started) == ([], [], [], False)
    assert [chunk async for chunk in body] == [b"still here"]


async def test_the_refusal_says_who_what_for_whom_and_the_ways_out() -> None:
    """D5: each part of the message, and the same as attributes."""
    with pytest.raises(UnsupportedTransportError) as caught:
        await AsyncPipeline(Recorder()).send(Request("POST", "https://a.test/"), operation=CHAT)

    error = caught.value
    said = str(error)
    assert "'recorder' (Recorder)" in said
    assert "duplex (bidirectional) streaming" in said
    assert "operation 'com.example#Chat'" in said
    assert "(crt, pyqwest, h11)" in said
    assert "Capability.DUPLEX" in said
    assert "SUPPORTS_DUPLEX_STREAMING = True" in said
    assert (error.transport, error.capability) == ("recorder", "duplex (bidirectional) streaming")
    assert (error.operation, error.alternatives) == ("com.example#Chat", ("crt", "pyqwest", "h11"))
    assert (error.sent, error.processed) == ("no", "no")
    assert pickle.loads(pickle.dumps(error)).operation == "com.example#Chat"


@pytest.mark.parametrize("kind", ["unary", "client_stream", "server_stream"])
async def test_the_same_client_runs_all_other_operations(kind: str) -> None:
    """D2, D6, D9: the error is raised by the call, and streams in one direction need nothing."""
    transport = Duck()
    pipeline = AsyncPipeline(transport)

    with pytest.raises(UnsupportedTransportError):
        await pipeline.send(Request("POST", "https://a.test/"), operation=CHAT)
    operation = Operation("com.example#Other", cast(OperationKind, kind))
    await pipeline.send(Request("POST", "https://a.test/"), operation=operation)

    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "value", [1, "yes", None, False, unittest.mock.Mock()], ids=["1", "text", "None", "False", "a mock"]
)
async def test_nothing_but_the_literal_true_is_a_declaration(value: object) -> None:
    """D3."""
    transport = Duck()
    transport.SUPPORTS_DUPLEX_STREAMING = value  # type: ignore[attr-defined]

    with pytest.raises(UnsupportedTransportError, match="'Duck' \\(Duck\\) does not offer duplex"):
        await AsyncPipeline(transport).send(Request("POST", "https://a.test/"), operation=CHAT)

    assert transport.requests == []


async def test_an_attribute_of_the_instance_counts_before_that_of_the_class() -> None:
    """D12."""
    able, pinned = Duck(), DuplexDuck()
    able.SUPPORTS_DUPLEX_STREAMING = True  # type: ignore[attr-defined]
    pinned.SUPPORTS_DUPLEX_STREAMING = False  # type: ignore[assignment]

    await AsyncPipeline(able).send(Request("POST", "https://a.test/"), operation=CHAT)
    await AsyncPipeline(DuplexDuck()).send(Request("POST", "https://a.test/"), operation=CHAT)
    with pytest.raises(UnsupportedTransportError):
        await AsyncPipeline(pinned).send(Request("POST", "https://a.test/"), operation=CHAT)


def test_an_attribute_of_one_connector_counts_before_what_its_class_declares() -> None:
    """D12: a client that is pinned to a version without duplex streaming says no."""
    able = Recorder(h2=frozenset({Capability.DUPLEX}))
    assert supports_duplex(able)

    able.__dict__["SUPPORTS_DUPLEX_STREAMING"] = False
    plain = Recorder()
    plain.__dict__["SUPPORTS_DUPLEX_STREAMING"] = True

    assert not supports_duplex(able)
    assert supports_duplex(plain)
    assert not supports_duplex(unittest.mock.Mock(spec=Duck))


def test_the_synchronous_twin_refuses_alike() -> None:
    transport = SyncDuck()

    with pytest.raises(UnsupportedTransportError, match="com.example#Chat"):
        SyncPipeline(transport).send(Request("POST", "https://a.test/"), operation=CHAT)

    assert transport.requests == []


def test_after_negotiation_the_declaration_is_asked_again_for_the_version_that_was_agreed_on() -> None:
    """D13."""
    both = Recorder(h1=frozenset(), h2=frozenset({Capability.DUPLEX}))

    check_negotiated(both, H2, CHAT.id)
    check_negotiated(DuplexDuck(), H1, CHAT.id)
    with pytest.raises(UnsupportedTransportError, match="over HTTP/1.1, which the peers agreed on") as caught:
        check_negotiated(both, H1, CHAT.id)

    assert (caught.value.negotiated, caught.value.operation) == ("HTTP/1.1", "com.example#Chat")


async def test_other_needs_of_an_operation_have_to_be_there_on_every_version_that_may_be_used() -> None:
    operation = Operation("com.example#Put", needs=frozenset({Capability.REQUEST_TRAILERS}))

    with pytest.raises(UnsupportedTransportError, match="request trailers, which operation 'com.example#Put' needs"):
        await AsyncPipeline(Recorder(h1=ALL, h2=frozenset())).send(
            Request("PUT", "https://a.test/"), operation=operation
        )
    await AsyncPipeline(Recorder(h1=ALL, h2=ALL)).send(Request("PUT", "https://a.test/"), operation=operation)


@pytest.mark.parametrize(
    "given",
    [{"operation": Operation("a#B", versions=(H2,))}, {"options": CallOptions(versions=(H2,))}],
    ids=["by the operation", "by the call"],
)
async def test_a_required_version_is_refused_where_the_connector_could_use_another(given: dict[str, object]) -> None:
    """U-J4."""
    for connector, problem in ((Recorder(h1=ALL), "speaks HTTP/1.1"), (Recorder(h1=ALL, h2=ALL), "may also use")):
        with pytest.raises(UnsupportedTransportError, match=f"{problem}.*HTTP/2 only"):
            await AsyncPipeline(connector).send(Request("GET", "https://a.test/"), **given)  # type: ignore[arg-type]
        assert connector.requests == []

    await AsyncPipeline(Recorder(h2=ALL)).send(Request("GET", "https://a.test/"), **given)  # type: ignore[arg-type]


async def test_versions_of_a_call_go_before_those_of_its_operation() -> None:
    operation, options = Operation("a#B", versions=(H2,)), CallOptions(versions=(H1,))

    await AsyncPipeline(Recorder(h1=ALL)).send(Request("GET", "https://a.test/"), operation=operation, options=options)


async def test_the_operation_travels_with_the_request_and_may_come_with_it() -> None:
    """C16: a typed key between operation and client."""
    spy, transport = Spy(), Duck()
    request = Request("GET", "https://a.test/")
    get = Operation("com.example#Get")

    await AsyncPipeline(transport, interceptors=[spy]).send(request, operation=get)
    request.extensions.set(CHAT)
    with pytest.raises(UnsupportedTransportError, match="com.example#Chat"):
        await AsyncPipeline(transport, interceptors=[spy]).send(request)
    await AsyncPipeline(transport, interceptors=[spy]).send(request, operation=get)

    assert spy.operations == [get, get]
    assert transport.requests[0].extensions[Operation] == get
    assert request.extensions[Operation] == CHAT


async def test_interceptors_of_a_call_run_after_those_of_the_client_and_in_that_call_only() -> None:
    seen: list[str] = []
    pipeline = AsyncPipeline(Duck(), interceptors=[Spy("client", seen)])

    await pipeline.send(Request("GET", "https://a.test/"), options=CallOptions(interceptors=(Spy("call", seen),)))
    await pipeline.send(Request("GET", "https://a.test/"))

    assert seen == ["client", "call", "client"]


async def test_timeouts_of_a_call_take_the_place_of_all_others() -> None:
    transport = Duck()
    request = Request("GET", "https://a.test/")
    request.extensions.set(Timeouts(read=2))
    pipeline = AsyncPipeline(transport, timeouts=Timeouts(read=1, total=9))

    await pipeline.send(request)
    await pipeline.send(request, options=CallOptions(timeouts=Timeouts(read=3)))

    assert [sent.extensions[Timeouts] for sent in transport.requests] == [Timeouts(read=2), Timeouts(read=3)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Operation(""),
        lambda: Operation("a#B", "bidirectional"),  # type: ignore[arg-type]
        lambda: Operation("a#B", versions=(HttpVersion.HTTP_1_0,)),
        lambda: Operation("a#B", versions="h2"),  # type: ignore[arg-type]
        lambda: CallOptions(versions=("HTTP/2",)),  # type: ignore[arg-type]
    ],
    ids=["no id", "unknown kind", "HTTP/1.0", "text", "text in options"],
)
def test_operations_and_options_that_make_no_sense_are_refused(make: object) -> None:
    with pytest.raises(InvalidMessageError):
        make()  # type: ignore[operator]


def test_operations_are_values_and_take_any_iterable() -> None:
    def versions() -> Iterator[HttpVersion]:
        yield from (H2, H1, H2)

    operation = Operation("a#B", "duplex", versions=versions())  # type: ignore[arg-type]

    assert operation == Operation("a#B", "duplex", versions=(H2, H1), needs=frozenset({Capability.DUPLEX}))
    assert len({operation, Operation("a#B", "duplex", versions=(H2, H1))}) == 1
    assert pickle.loads(pickle.dumps(operation)) == operation
