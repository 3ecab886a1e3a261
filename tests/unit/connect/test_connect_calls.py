"""The client for Connect calls, in both colours, on connectors in memory."""

from __future__ import annotations

import asyncio
import json
import math
import pickle
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

import pytest

from stablehttp import (
    AnyRequest,
    AnyResponse,
    AsyncBody,
    AsyncConnector,
    AsyncIterableBody,
    AsyncPipeline,
    BodyColourError,
    CallOptions,
    Capability,
    ClosedError,
    DisconnectedError,
    Fields,
    HttpVersion,
    Interceptor,
    InvalidBodyError,
    InvalidFieldError,
    InvalidMessageError,
    IterableBody,
    MisuseError,
    Request,
    Response,
    SyncPipeline,
    Timeouts,
    TotalTimeoutError,
    TrailersUnavailableError,
    UnsupportedTransportError,
)
from stablehttp._received import ReceivedBody
from stablehttp.connect import (
    GZIP,
    AsyncConnectClient,
    AsyncConnectStream,
    ConnectCallError,
    ConnectCode,
    ConnectCompression,
    ConnectDeadlineError,
    ConnectMethod,
    ConnectReply,
    SyncConnectClient,
    SyncConnectStream,
)
from stablehttp.connect._bodies import async_messages, sync_messages
from stablehttp.framing import (
    WireError,
    compress_gzip,
    decompress_gzip,
    encode_end_of_stream,
    encode_envelope,
)
from stablehttp.signers import Credentials, SigV4Signer
from stablehttp.testing import AsyncMemoryConnector, Recorded, Rule, SyncMemoryConnector

SAY = ConnectMethod("acme.v1.Talk/Say", codec="proto")
STREAM = [("Content-Type", "application/connect+proto")]
END = encode_end_of_stream()
ONE = encode_envelope(b"one")


class Both:
    """The same calls in both colours, on the same rules."""

    def __init__(self, colour: str, rules: Sequence[Rule], **options: Any) -> None:
        self.colour = colour
        pipeline_options = {
            name: options.pop(name) for name in ("timeouts", "interceptors", "signer") if name in options
        }
        self.memory: AsyncMemoryConnector | SyncMemoryConnector
        self.client: Any
        if colour == "async":
            self.memory = AsyncMemoryConnector(rules)
            pipeline = AsyncPipeline(self.memory, **pipeline_options)
            self.client = AsyncConnectClient(pipeline, "https://a.test/base/", **options)
        else:
            self.memory = SyncMemoryConnector(rules)
            self.client = SyncConnectClient(
                SyncPipeline(self.memory, **pipeline_options), "https://a.test/base/", **options
            )

    async def unary(self, method: ConnectMethod[Any, Any], message: Any, **options: Any) -> ConnectReply[Any]:
        made = self.client.unary(method, message, **options)
        return await made if self.colour == "async" else made  # type: ignore[no-any-return]

    async def client_stream(self, method: ConnectMethod[Any, Any], messages: Any, **options: Any) -> ConnectReply[Any]:
        made = self.client.client_stream(method, messages, **options)
        return await made if self.colour == "async" else made  # type: ignore[no-any-return]

    async def server_stream(self, method: ConnectMethod[Any, Any], message: Any, **options: Any) -> Any:
        made = self.client.server_stream(method, message, **options)
        return await made if self.colour == "async" else made

    @property
    def sent(self) -> list[tuple[Recorded, bytes]]:
        return [(each, each.content) for each in self.memory.requests]


async def read(stream: Any) -> list[Any]:
    return [each async for each in stream] if isinstance(stream, AsyncConnectStream) else list(stream)


async def close(stream: Any) -> None:
    await stream.aclose() if isinstance(stream, AsyncConnectStream) else stream.close()


def answer(content: bytes, headers: Sequence[tuple[str, str]] = STREAM, status: int = 200) -> Rule:
    return Rule(Response(status, headers=headers, body=content))


both_colours = pytest.mark.parametrize("colour", ["async", "sync"])


# --- what is sent --------------------------------------------------------------------------------


@both_colours
async def test_the_request_of_each_kind_says_what_it_is(colour: str) -> None:
    """R6: `application/<codec>` for unary calls, `application/connect+<codec>` for streams."""
    unary = answer(b"", [("Content-Type", "application/proto")])
    both = Both(colour, [Rule(unary.reply, times=1), answer(ONE + END)], headers=[("X-All", "a")])

    await both.unary(SAY, b"hello", headers=[("x-one", "1"), ("X-One", "2")], deadline=1.5)
    await both.client_stream(SAY, [b"a", b""])
    await read(await both.server_stream(SAY, b"b"))

    (first, content), (second, streamed), (third, single) = both.sent
    assert (first.method, str(first.uri), content) == ("POST", "https://a.test/base/acme.v1.Talk/Say", b"hello")
    assert list(first.headers) == [
        ("Host", "a.test"),
        ("content-type", "application/proto"),
        ("connect-protocol-version", "1"),
        ("connect-timeout-ms", "1500"),
        ("accept-encoding", "gzip"),
        ("X-All", "a"),
        ("x-one", "1"),
        ("X-One", "2"),
        ("Content-Length", "5"),
    ]
    assert streamed == encode_envelope(b"a") + encode_envelope(b"")
    assert single == encode_envelope(b"b")
    for request in (second, third):
        assert request.headers["content-type"] == "application/connect+proto"
        assert request.headers["connect-accept-encoding"] == "gzip"
        assert request.headers["accept-encoding"] == "identity"
        assert "connect-timeout-ms" not in request.headers


@both_colours
async def test_messages_are_encoded_and_decoded_by_the_method(colour: str) -> None:
    method: ConnectMethod[dict[str, int], list[int]] = ConnectMethod(
        "/acme.v1.Talk/Sum", codec="json", encode=lambda message: json.dumps(message).encode(), decode=json.loads
    )
    headers = [("Content-Type", "Application/Connect+JSON; charset=utf-8")]
    both = Both(colour, [answer(encode_envelope(b"[1]") + encode_envelope(b"[2]") + END, headers)])

    assert await read(await both.server_stream(method, {"a": 1})) == [[1], [2]]
    assert both.sent[0][1] == encode_envelope(b'{"a": 1}')


@both_colours
async def test_what_is_sent_is_compressed_if_that_was_asked_for(colour: str) -> None:
    unary = answer(compress_gzip(b"long"), [("Content-Type", "application/proto"), ("Content-Encoding", "GZip")])
    both = Both(colour, [Rule(unary.reply, times=1), answer(ONE + END)], compression=GZIP)

    reply = await both.unary(SAY, b"x" * 100)
    await both.client_stream(SAY, [b"y" * 100, b""])

    (first, content), (second, streamed) = both.sent
    assert reply.message == b"long"
    assert first.headers["content-encoding"] == "gzip"
    assert decompress_gzip(content, 100) == b"x" * 100
    assert second.headers["connect-content-encoding"] == "gzip"
    assert streamed == encode_envelope(b"y" * 100, compress=compress_gzip) + encode_envelope(b"")


@both_colours
async def test_a_compression_of_ones_own_is_negotiated_by_its_name(colour: str) -> None:
    reverse = ConnectCompression("x-reverse", lambda octets: octets[::-1], lambda octets, _: octets[::-1])
    headers = [*STREAM, ("Connect-Content-Encoding", "x-reverse")]
    both = Both(colour, [answer(b"\x01\0\0\0\x03cba" + END, headers)], accept=(reverse, GZIP))

    assert await read(await both.server_stream(SAY, b"")) == [b"abc"]
    assert both.sent[0][0].headers["connect-accept-encoding"] == "x-reverse, gzip"


RESERVED = ["Connect-Timeout-Ms", "connect-anything", "Content-Type", "content-encoding", "Accept-Encoding", "Host"]


@both_colours
@pytest.mark.parametrize("name", RESERVED)
async def test_metadata_may_not_take_the_names_of_the_protocol(colour: str, name: str) -> None:
    both = Both(colour, [answer(ONE + END)])

    with pytest.raises(InvalidFieldError, match=r"belongs to the Connect protocol") as caught:
        await both.unary(SAY, b"", headers=[("x-fine", "1"), (name, "swordfish")])
    with pytest.raises(InvalidFieldError):
        Both(colour, [], headers={name: "1"})

    assert caught.value.field == name
    assert "swordfish" not in str(caught.value)
    assert both.sent == []


@pytest.mark.parametrize("path", ["", "/", "Say", "/Say", "acme.v1.Talk/"])
def test_a_method_has_a_service_and_a_name(path: str) -> None:
    with pytest.raises(InvalidMessageError, match=r"package\.Service/Method"):
        ConnectMethod(path, codec="proto")


def test_a_codec_is_a_token_and_a_service_has_no_query() -> None:
    with pytest.raises(InvalidMessageError, match="token"):
        ConnectMethod("a/B", codec="proto; charset=x")
    with pytest.raises(InvalidMessageError, match="no query"):
        SyncConnectClient(SyncPipeline(SyncMemoryConnector([])), "https://a.test/?q=1")


@both_colours
async def test_what_is_no_octets_is_refused_before_anything_is_sent(colour: str) -> None:
    both = Both(colour, [answer(ONE + END)])
    text: Any = "text"

    with pytest.raises(InvalidBodyError, match="became a str"):
        await both.unary(SAY, text)
    for messages in (b"abc", "abc", 5, {"a": b"b"}):
        with pytest.raises(InvalidBodyError, match="iterable of messages"):
            await both.client_stream(SAY, messages)

    assert both.sent == []


@both_colours
async def test_messages_do_not_go_to_a_sink(colour: str) -> None:
    both = Both(colour, [answer(ONE + END)])

    with pytest.raises(MisuseError, match="leave the sink out"):
        await both.unary(SAY, b"", options=CallOptions(sink=bytearray().extend))


def test_an_asynchronous_iterator_cannot_be_sent_by_blocking() -> None:
    async def messages() -> AsyncIterator[bytes]:
        yield b""

    given: Any = messages()
    with pytest.raises(BodyColourError, match="AsyncConnectClient"):
        SyncConnectClient(SyncPipeline(SyncMemoryConnector([])), "https://a.test").client_stream(SAY, given)


class Watched:
    """Messages whose end is watched."""

    def __init__(self, failing: bool) -> None:
        self.failing = failing
        self.ended = False

    def sync(self) -> Iterator[bytes]:
        try:
            yield b"first"
            if self.failing:
                raise ZeroDivisionError("mine")
        finally:
            self.ended = True

    async def asynchronous(self) -> AsyncIterator[bytes]:
        for message in self.sync():
            yield message


@both_colours
async def test_an_error_of_the_iterator_is_raised_as_it_is_and_the_iterator_ended(colour: str) -> None:
    watched = Watched(failing=True)
    both = Both(colour, [answer(ONE + END)])

    with pytest.raises(ZeroDivisionError, match="mine"):
        await both.client_stream(SAY, watched.asynchronous() if colour == "async" else watched.sync())

    assert watched.ended


async def test_an_iterator_that_is_sent_in_part_is_ended_though_its_owner_holds_it() -> None:
    blocking, awaited = Watched(failing=False), Watched(failing=False)
    held, aheld = blocking.sync(), awaited.asynchronous()

    chunks = sync_messages(held, bytes).chunks()
    assert next(chunks) == b"first"
    chunks.close()  # type: ignore[attr-defined]
    achunks = async_messages(aheld, bytes).achunks()
    assert await anext(achunks) == b"first"
    await achunks.aclose()  # type: ignore[attr-defined]

    assert (blocking.ended, awaited.ended) == (True, True)


@pytest.mark.parametrize("kind", ["list", "iterator", "factory"])
async def test_messages_that_can_be_iterated_again_can_be_sent_again(kind: str) -> None:
    """A signer that covers the content reads it first, and a retry sends it a second time."""
    bodies: list[AsyncBody] = []

    class Keep(Interceptor):
        def modify_before_signing(self, request: AnyRequest) -> None:
            assert isinstance(request.body, AsyncIterableBody)
            bodies.append(request.body)

    class Again:
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"again"

    given: Any = {"list": [b"a"], "iterator": iter([b"a"]), "factory": Again()}[kind]
    both = Both("async", [answer(ONE + END)], interceptors=[Keep()])
    await both.client_stream(SAY, given)

    assert [body.replayable for body in bodies] == [kind != "iterator"]


class Poor(AsyncConnector):
    """Cannot stream."""

    name = "poor"
    capabilities = MappingProxyType({HttpVersion.HTTP_1_1: frozenset({Capability.CLEARTEXT})})

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        raise AssertionError("nothing is sent")


async def test_a_connector_that_cannot_stream_refuses_the_kinds_that_stream() -> None:
    """R1, R2: it says so before anything is sent, and names the method."""
    client = AsyncConnectClient(AsyncPipeline(Poor()), "http://a.test")

    with pytest.raises(UnsupportedTransportError, match="unknown length") as caught:
        await client.client_stream(SAY, [b"a"])
    with pytest.raises(UnsupportedTransportError, match="while it arrives"):
        await client.server_stream(SAY, b"a")
    with pytest.raises(UnsupportedTransportError, match="duplex"):
        client.open(SAY)

    assert caught.value.operation == "/acme.v1.Talk/Say"


# --- deadlines -----------------------------------------------------------------------------------

DEADLINES: dict[str, tuple[dict[str, Any], dict[str, Any], Timeouts | None]] = {
    "nothing": ({}, {}, None),
    "the client's": ({"deadline": 3}, {}, Timeouts(total=3)),
    "the call's": ({"deadline": 3}, {"deadline": 2}, Timeouts(total=2)),
    "taken away": ({"deadline": 3}, {"deadline": math.inf}, None),
    "beside the pipeline's": ({"timeouts": Timeouts(read=9)}, {"deadline": 2}, Timeouts(read=9, total=2)),
    "beside the options": (
        {"timeouts": Timeouts(read=9), "options": CallOptions(timeouts=Timeouts(read=7))},
        {"deadline": 2},
        Timeouts(read=7, total=2),
    ),
    "above the pipeline's own": ({"timeouts": Timeouts(total=2)}, {"deadline": 3}, Timeouts(total=2)),
    "options of the call": ({}, {"options": CallOptions(timeouts=Timeouts(read=7))}, Timeouts(read=7)),
}


@both_colours
@pytest.mark.parametrize(("client", "call", "wanted"), DEADLINES.values(), ids=DEADLINES.keys())
async def test_a_deadline_is_one_thing_and_the_longest_silence_another(
    colour: str, client: dict[str, Any], call: dict[str, Any], wanted: Timeouts | None
) -> None:
    """R10: both are kept, and neither hides the other."""
    seen: list[Timeouts | None] = []

    class Look(Interceptor):
        def modify_before_signing(self, request: AnyRequest) -> None:
            seen.append(request.extensions.get(Timeouts))

    both = Both(colour, [answer(ONE + END)], interceptors=[Look()], **client)
    await both.client_stream(SAY, [b""], **call)

    assert seen == [wanted]
    total = wanted.total if wanted is not None else None
    asked = call.get("deadline", client.get("deadline", math.inf))
    told = both.sent[0][0].headers.get("connect-timeout-ms")
    assert told == (None if math.isinf(asked) else str(asked * 1000))
    assert total is None or total <= asked


# --- what comes back -----------------------------------------------------------------------------


@both_colours
async def test_trailers_are_fields_once_the_end_was_read(colour: str) -> None:
    """R8: repeated, in order, in any script; before the end they cannot be had."""
    end = encode_end_of_stream(metadata=[("X-A", "1"), ("x-a", "2"), ("X-B", "grüße")])
    both = Both(colour, [answer(ONE + end)])

    stream = await both.server_stream(SAY, b"")
    with pytest.raises(TrailersUnavailableError):
        _ = stream.trailers
    assert await read(stream) == [b"one"]

    assert isinstance(stream.trailers, Fields)
    assert stream.trailers.values("x-a") == ("1", "2")
    assert stream.trailers["x-b"].encode("latin-1") == "grüße".encode()
    assert isinstance(stream.headers, Fields)
    assert await read(stream) == []


@both_colours
async def test_the_trailers_of_a_unary_call_are_taken_out_of_its_headers(colour: str) -> None:
    headers = [("Content-Type", "application/proto"), ("Trailer-X", "1"), ("trailer-x", "2"), ("X", "3")]
    both = Both(colour, [answer(b"m", headers)])

    reply = await both.unary(SAY, b"")

    assert list(reply.trailers) == [("X", "1"), ("x", "2")]
    assert [line for line in reply.headers if line[0] != "Content-Length"] == [headers[0], headers[3]]


@both_colours
async def test_a_stream_that_ends_without_its_end_has_failed_though_its_status_is_200(colour: str) -> None:
    """R4: nothing but the end frame says that a call succeeded."""
    both = Both(colour, [answer(ONE)])

    stream = await both.server_stream(SAY, b"")
    with pytest.raises(ConnectCallError, match="without an end-of-stream message") as caught:
        await read(stream)
    with pytest.raises(ConnectCallError):
        await read(stream)
    with pytest.raises(ConnectCallError, match="without an end-of-stream message"):
        await both.client_stream(SAY, [])

    assert (caught.value.status, caught.value.code) == (200, ConnectCode.INTERNAL)
    assert (caught.value.method, caught.value.origin) == ("POST", "https://a.test")


def bomb(size: int) -> bytes:
    squeezed = compress_gzip(bytes(size))
    return b"\x01" + len(squeezed).to_bytes(4, "big") + squeezed


GZIPPED = [*STREAM, ("Connect-Content-Encoding", "gzip")]
REJECTED: dict[str, tuple[bytes, Sequence[tuple[str, str]], str]] = {
    "unknown flag bits": (b"\x04\0\0\0\0" + END, STREAM, "only the lowest two bits"),
    "a declared length above the limit": (b"\0\xff\xff\xff\xff", STREAM, "declares 4294967295 octets"),
    "a decompressed size above the limit": (bomb(200_000) + END, GZIPPED, "becomes larger than the limit"),
    "compressed without a compression": (bomb(5) + END, STREAM, "the response named no compression"),
    "octets after the end": (END + b"\0", STREAM, "must be the last"),
    "a partial envelope": (b"\0\0\0\0\x05abc", STREAM, "ended inside an envelope"),
    "no end": (b"", STREAM, "without an end-of-stream message"),
}


@both_colours
@pytest.mark.parametrize(("content", "headers", "text"), REJECTED.values(), ids=REJECTED.keys())
async def test_what_must_be_rejected_is_rejected_in_words_of_its_own(
    colour: str, content: bytes, headers: Sequence[tuple[str, str]], text: str
) -> None:
    """R5."""
    both = Both(colour, [answer(content, headers)], limit=100_000)

    with pytest.raises(ConnectCallError, match=text):
        await read(await both.server_stream(SAY, b""))

    assert len({words for _, _, words in REJECTED.values()}) == len(REJECTED)


@both_colours
async def test_an_error_in_a_compressed_end_is_read(colour: str) -> None:
    """R11 (connect_client_compressed_error_endstream)."""
    error = WireError(ConnectCode.OUT_OF_RANGE, "too far")
    both = Both(colour, [answer(ONE + encode_end_of_stream(error, compress=compress_gzip), GZIPPED)])

    stream = await both.server_stream(SAY, b"")
    with pytest.raises(ConnectCallError) as caught:
        await read(stream)

    assert (caught.value.code, caught.value.message) == (ConnectCode.OUT_OF_RANGE, "too far")


@both_colours
async def test_a_stream_offers_no_way_to_be_read_as_a_document(colour: str) -> None:
    """R7: what it holds is no JSON, whatever its codec."""
    both = Both(colour, [answer(encode_envelope(b"{}") + END)])

    stream = await both.server_stream(SAY, b"")

    assert isinstance(stream, (AsyncConnectStream, SyncConnectStream))
    offered = {name for name in dir(stream) if not name.startswith("_")}
    assert offered == {"headers", "trailers", "aclose" if colour == "async" else "close"}
    await close(stream)


@both_colours
async def test_a_stream_that_was_closed_says_so(colour: str) -> None:
    both = Both(colour, [answer(ONE + ONE + END)])

    stream = await both.server_stream(SAY, b"")
    first = await anext(stream) if colour == "async" else next(stream)
    await close(stream)
    await close(stream)

    assert first == b"one"
    with pytest.raises(ClosedError, match="before its end"):
        await read(stream)


@both_colours
async def test_an_error_of_decode_is_raised_as_it_is_and_ends_the_stream(colour: str) -> None:
    method: ConnectMethod[bytes, int] = ConnectMethod("a/B", codec="proto", encode=bytes, decode=int)
    both = Both(colour, [answer(encode_envelope(b"7") + encode_envelope(b"x") + END)])

    stream = await both.server_stream(method, b"")
    assert (await anext(stream) if colour == "async" else next(stream)) == 7
    with pytest.raises(ValueError, match="invalid literal"):
        await read(stream)
    with pytest.raises(ClosedError):
        await read(stream)


@both_colours
async def test_a_broken_connection_stays_the_error_that_it_is(colour: str) -> None:
    both = Both(colour, [Rule(DisconnectedError("gone", sent="maybe", processed="maybe"))])

    calls: list[Callable[[], Any]] = [
        lambda: both.unary(SAY, b""),
        lambda: both.client_stream(SAY, [b""]),
        lambda: both.server_stream(SAY, b""),
    ]
    for call in calls:
        with pytest.raises(DisconnectedError) as caught:
            await call()
        assert not isinstance(caught.value, ConnectCallError)
        assert caught.value.processed == "maybe"


@both_colours
async def test_a_head_that_tells_of_failure_closes_the_response(colour: str) -> None:
    both = Both(colour, [answer(b"<html>", [("Content-Type", "text/html")], 503)])

    for kind in ("unary", "client_stream", "server_stream"):
        with pytest.raises(ConnectCallError) as caught:
            await getattr(both, kind)(SAY, [b""] if kind == "client_stream" else b"")
        assert (caught.value.code, caught.value.status) == (ConnectCode.UNAVAILABLE, 503)


@both_colours
async def test_a_deadline_is_an_error_of_both_families_and_another_bound_stays_what_it_is(colour: str) -> None:
    """R10."""
    slow = Rule(Response(200, headers=STREAM, body=ONE + END), delay=60)

    with pytest.raises(ConnectDeadlineError) as caught:
        await Both(colour, [slow]).client_stream(SAY, [b""], deadline=2)
    with pytest.raises(TotalTimeoutError) as other:
        await Both(colour, [slow], timeouts=Timeouts(total=1)).client_stream(SAY, [b""], deadline=2)

    assert isinstance(caught.value, (ConnectCallError, TotalTimeoutError, TimeoutError))
    assert (caught.value.code, caught.value.seconds) == (ConnectCode.DEADLINE_EXCEEDED, 2)
    assert (caught.value.said_by_peer, caught.value.origin) == (False, "https://a.test")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.code) == (ConnectDeadlineError, str(caught.value), caught.value.code)
    assert not isinstance(other.value, ConnectCallError)


@both_colours
async def test_content_that_declares_too_much_is_not_read(colour: str) -> None:
    """R5: the declared length is checked before anything is kept."""
    begun: list[int] = []

    def content() -> Iterator[bytes]:
        begun.append(1)
        yield b"x"

    async def acontent() -> AsyncIterator[bytes]:
        begun.append(1)
        yield b"x"

    length = 10_000_000
    body: Any = (
        AsyncIterableBody(acontent(), length=length) if colour == "async" else IterableBody(content(), length=length)
    )
    reply = Response(200, headers=[("Content-Type", "application/proto")], body=body)

    with pytest.raises(ConnectCallError, match="larger than the limit") as caught:
        await Both(colour, [Rule(reply)]).unary(SAY, b"")

    assert caught.value.code is ConnectCode.RESOURCE_EXHAUSTED
    assert begun == []


@both_colours
async def test_calls_are_signed_as_any_other_request(colour: str) -> None:
    """What a signer covers is there before it runs, the content of a stream included."""
    signer = SigV4Signer(Credentials("AKIDEXAMPLE", "secret"), service="talk", region="eu-central-1")
    rules = [answer(ONE + END)]
    both = Both(colour, rules, headers=[("X-Team", "blue")], signer=signer)

    await both.client_stream(SAY, [b"a", b"b"])

    sent, content = both.sent[0]
    assert content == encode_envelope(b"a") + encode_envelope(b"b")
    signed = sent.headers["authorization"]
    assert "connect-protocol-version" in signed
    assert "content-type" in signed
    assert "x-team" in signed


FAILING = {
    "a head that tells of failure": answer(b"<html>", [("Content-Type", "text/html")], 503),
    "an envelope that breaks the protocol": answer(b"\x04\0\0\0\0" + END),
    "an error in the end": answer(encode_end_of_stream(WireError(ConnectCode.ABORTED)) + END),
}


@both_colours
@pytest.mark.parametrize("rule", FAILING.values(), ids=FAILING.keys())
async def test_a_call_that_failed_has_closed_its_response(colour: str, rule: Rule) -> None:
    responses: list[AnyResponse] = []

    class Keep(Interceptor):
        def modify_response(self, response: AnyResponse) -> None:
            responses.append(response)

    both = Both(colour, [rule], interceptors=[Keep()])
    with pytest.raises(ConnectCallError):
        await read(await both.server_stream(SAY, b""))
    with pytest.raises(ConnectCallError):
        await both.client_stream(SAY, [b""])

    bodies = [response.body for response in responses]
    assert [isinstance(body, ReceivedBody) and body.closed for body in bodies] == [True, True]


async def test_a_task_that_is_cancelled_while_it_waits_ends_the_stream() -> None:
    """R11 (client_cancellation)."""
    closed = asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        try:
            yield ONE
            await asyncio.Event().wait()
        finally:
            closed.set()

    class Waits(AsyncConnector):
        name = "waits"
        capabilities = MappingProxyType({HttpVersion.HTTP_1_1: frozenset(Capability)})

        async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
            return Response(200, headers=STREAM, body=AsyncIterableBody(content()))

    stream = await AsyncConnectClient(AsyncPipeline(Waits()), "http://a.test").server_stream(SAY, b"")
    assert await anext(stream) == b"one"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await anext(stream)

    assert closed.is_set()
    with pytest.raises(ClosedError):
        await anext(stream)


def test_a_reply_and_a_method_show_no_message() -> None:
    reply = ConnectReply(b"swordfish", Fields(), Fields())

    assert "swordfish" not in repr(reply)
    assert repr(SAY) == "<ConnectMethod /acme.v1.Talk/Say in proto>"
