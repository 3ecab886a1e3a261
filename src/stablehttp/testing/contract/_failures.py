"""Rules about what goes wrong: which kind of error, what it says, and that nothing hangs.

Stands on the bench.
"""

from __future__ import annotations

import asyncio
from typing import Final

from stablehttp._capability import Capability
from stablehttp._errors import (
    CertificateError,
    ConnectError,
    ConnectRefusedError,
    DisconnectedError,
    IncompleteResponseError,
    InvalidResponseError,
    NameResolutionError,
    NegotiationError,
    ReadTimeoutError,
    StableHTTPError,
    TLSError,
    TransportError,
)
from stablehttp._http_version import HttpVersion
from stablehttp._message import Request
from stablehttp._settings import HttpSettings, Timeouts
from stablehttp.testing._origin_script import Answer, Close, Fault, GoAway, Point, Reset, ResetStream, What
from stablehttp.testing._origin_tls import TLS, Certificate
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._rule import HTTP_1, HTTP_2, Rule, fails, require, same

SECRET: Final = "marker-5f1c"


async def _fails_unsent(
    bench: Bench, kind: type[StableHTTPError], url: str, settings: HttpSettings | None = None
) -> None:
    source = bench.source(b"content", length=7)
    driver = bench.connect(settings or bench.settings)
    with fails(kind) as caught:
        await driver.send(Request("PUT", url, body=source))
    same((caught.error.sent, caught.error.processed), ("no", "no"), "sent and processed")
    same(source.opened, 0, "times that the body was opened")


async def tells_a_refused_connection(bench: Bench) -> None:
    with bench.dead_end() as url:
        await _fails_unsent(bench, ConnectRefusedError, url)


async def tells_a_name_that_does_not_resolve(bench: Bench) -> None:
    await _fails_unsent(bench, NameResolutionError, f"{bench.scheme}://name.invalid/")


async def tells_a_bad_certificate(bench: Bench) -> None:
    async def one(certificate: Certificate) -> None:
        origin = await bench.open_origin(tls=TLS(certificate=certificate))
        await _fails_unsent(bench, CertificateError, origin.url + "/", bench.settings_for(origin))
        same(origin.count, 0, f"requests that arrived in spite of a certificate that is {certificate}")

    await asyncio.gather(one("untrusted"), one("wrong name"), one("expired"))


async def tells_a_failed_handshake(bench: Bench) -> None:
    plain = await bench.open_origin(plain=True)
    await _fails_unsent(bench, TLSError, plain.url.replace("http:", "https:") + "/")


async def refuses_another_version(bench: Bench) -> None:
    for alpn in (("http/1.1",), ()):
        origin = await bench.open_origin(tls=TLS(alpn=alpn), http2=False)
        await _fails_unsent(bench, NegotiationError, origin.url + "/", bench.settings_for(origin))
        same(origin.count, 0, "requests that arrived")


async def offers_no_other_version(bench: Bench) -> None:
    origin = await bench.open_origin(tls=TLS(), http2=True)
    driver = bench.connect(bench.settings_for(origin))
    reply = await driver.send(Request("GET", origin.url + "/"))
    same((reply.response.http_version, await reply.read()), (HttpVersion.HTTP_1_1, b""), "version and content")
    same(origin.connections[0].http_version, "HTTP/1.1", "version of the connection")


async def speaks_the_version_that_was_agreed_on(bench: Bench) -> None:
    both = (HttpVersion.HTTP_2, HttpVersion.HTTP_1_1)
    for http2 in (True, False):
        origin = await bench.open_origin(tls=TLS(), http2=http2)
        driver = bench.connect(bench.settings_for(origin), both)
        for _ in range(2):
            reply = await driver.send(Request("POST", origin.url + "/", body=b"content"))
            await reply.read()
            same(reply.response.http_version, both[0 if http2 else 1], "version that the response reports")
            received = origin.requests[-1]
            same((received.http_version, received.content), (both[0 if http2 else 1].value, b"content"), "what arrived")


_CUT: Final[tuple[What, ...]] = (Close(), Reset())


async def tells_a_connection_that_ended_without_a_response(bench: Bench) -> None:
    points: tuple[Point, ...] = ("open", "request start", "request head", "request")
    for what in _CUT:
        for at in points:
            bench.origin.script([Answer.failing(what, at)])
            driver = bench.connect(bench.settings)
            before = len(bench.origin.connections)
            # a connection that is reset at once may never have come about, seen from the other side
            with fails(DisconnectedError, ConnectError if at == "open" else DisconnectedError) as caught:
                await driver.send(Request("PUT", bench.url(), body=b"content"))
            _check_sound(bench, caught.error, before, f"{type(what).__name__} at {at!r}")
            require(not isinstance(caught.error, IncompleteResponseError), "there was no response at all")


async def tells_a_head_that_was_cut(bench: Bench) -> None:
    for what in _CUT:
        bench.origin.script([Answer.failing(what, "response head", 12)])
        with fails(DisconnectedError, InvalidResponseError) as caught:
            await bench.driver.send(Request("GET", bench.url()))
        require(caught.error.sent != "no", f"{type(what).__name__}: octets were sent")
        require(caught.error.processed != "no", f"{type(what).__name__}: the origin acted on it")


async def tells_content_that_was_cut(bench: Bench) -> None:
    by_length: tuple[tuple[Point, int], ...] = (("response content", 1), ("response content", 4))
    in_chunks: tuple[tuple[Point, int | None], ...] = (
        ("response content", 3),
        ("response content", 5),
        ("response end", None),
    )
    answers = [
        Answer(200, b"0123456789", faults=[Fault(what, at, after)])
        for what in _faults(bench)
        for at, after in by_length
    ]
    answers += [
        Answer(200, [b"01234", b"56789"], framing="chunked", faults=[Fault(what, at, after)])
        for what in _faults(bench)
        for at, after in in_chunks
    ]
    for answer in answers:
        bench.origin.script([answer])
        fault = answer.faults[0]
        await _reads_an_incomplete_response(bench, str(fault), overtaken=not isinstance(fault.what, Close))


def _faults(bench: Bench) -> tuple[What, ...]:
    return (*_CUT, ResetStream(2)) if bench.version is HttpVersion.HTTP_2 else _CUT


async def tells_content_that_was_cut_before_its_first_octet(bench: Bench) -> None:
    for what in _faults(bench):
        bench.origin.script([Answer(200, b"0123456789", faults=[Fault(what, "response content", 0)])])
        with fails(DisconnectedError) as caught:  # a client may show the head only with the first octet of content
            reply = await bench.driver.send(Request("GET", bench.url()))
            await reply.read()
        require(caught.error.sent != "no" and caught.error.processed != "no", "the origin acted on it")


async def tells_content_shorter_than_declared(bench: Bench) -> None:
    bench.origin.script([Answer(200, b"0123456789", declared=20)])
    await _reads_an_incomplete_response(bench, "fewer octets than declared")


async def _reads_an_incomplete_response(bench: Bench, case: str, *, overtaken: bool = False) -> None:
    """`overtaken` says that a reset may come before what was sent ahead of it, the head of the response too."""
    got = b""
    with fails(IncompleteResponseError, DisconnectedError if overtaken else IncompleteResponseError) as caught:
        reply = await bench.driver.send(Request("GET", bench.url()))
        async for chunk in reply.chunks():
            got += chunk
    require(b"0123456789".startswith(got), f"{case}: what arrived before the cut is as it was sent")
    error = caught.error
    if isinstance(error, IncompleteResponseError):
        same((error.sent, error.processed), ("yes", "yes"), f"{case}: sent and processed")
        same(error.received, len(got), f"{case}: octets received")
    else:
        require(error.sent != "no" and error.processed != "no", f"{case}: the origin acted on it")


async def tells_a_malformed_response(bench: Bench) -> None:
    heads = [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad name: x\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    ]
    for head in heads:
        bench.origin.script([Answer(raw=head)])
        with fails(InvalidResponseError) as caught:
            reply = await bench.driver.send(Request("GET", bench.url()))
            await reply.read()
        require(caught.error.sent != "no" and caught.error.processed != "no", f"{head!r}: it was sent")
    bench.origin.script([Answer(200, b"good")])
    same((await bench.exchange(Request("GET", bench.url())))[1], b"good", "content of the next response")


async def ends_a_head_without_end(bench: Bench) -> None:
    bench.origin.script([Answer(head="endless")])
    timeouts = Timeouts(read=1) if bench.can(Capability.READ_TIMEOUT) else None
    with fails(InvalidResponseError, TransportError, ReadTimeoutError) as caught:
        await bench.driver.send(Request("GET", bench.url()), timeouts)
    require(caught.error.sent != "no", "octets were sent")


async def tells_a_refused_stream(bench: Bench) -> None:
    bench.origin.script([Answer.failing(ResetStream(7), "request")])
    with fails(TransportError) as caught:
        await bench.driver.send(Request("POST", bench.url(), body=b"x"))
    require(caught.error.processed in ("no", "maybe"), "the peer promised that nothing was processed")
    bench.origin.script([Answer.failing(ResetStream(2), "request")])
    with fails(TransportError) as caught:
        await bench.driver.send(Request("POST", bench.url(), body=b"x"))
    same(caught.error.processed, "maybe", "processed after a reset of another kind")
    bench.origin.script([Answer.failing(GoAway(0, "before"), "request")])
    with fails(TransportError) as caught:
        await bench.driver.send(Request("POST", bench.url(), body=b"x"))
    require(caught.error.processed in ("no", "maybe"), "the peer promised that nothing was processed")
    await bench.deliver(Request("GET", bench.url("/after")))


def _check_sound(bench: Bench, error: StableHTTPError, before: int, case: str) -> None:
    """U-E2: whoever let an octet out, on one of the connections since, does not say "no"."""
    if any(track.request_octets for track in bench.origin.connections[before:]):
        require(error.sent != "no", f"{case}: octets of the request arrived, and the error says that none was sent")
    require(error.processed in ("no", "maybe"), f"{case}: no status arrived")


async def names_the_request_and_no_secret(bench: Bench) -> None:
    where = bench.origin.url.replace("://", f"://user:{SECRET}@")
    request = Request(
        "PATCH",
        f"{where}/{SECRET}?X-Amz-Signature={SECRET}&plain={SECRET}",
        headers=[("Authorization", f"Bearer {SECRET}"), ("X-Plain", SECRET), ("Cookie", SECRET)],
        body=SECRET.encode(),
    )
    errors: list[StableHTTPError] = []
    for answer in (Answer.failing(Close(), "request"), Answer.failing(Close(), "response content", content=b"0123")):
        bench.origin.script([answer])
        with fails(StableHTTPError) as caught:
            await bench.exchange(request)
        errors.append(caught.error)
    with bench.dead_end() as url, fails(StableHTTPError) as caught:
        request.uri = url + SECRET
        await bench.driver.send(request)
    errors.append(caught.error)
    for error in errors:
        require(SECRET not in f"{error} {error!r} {error.__dict__}", f"{type(error).__name__} shows no secret")
        same(error.method, "PATCH", f"method of {type(error).__name__}")
        origin = bench.origin.url if error is not errors[-1] else request.uri.origin
        same(error.origin, origin, f"origin of {type(error).__name__}")


RULES: Final = (
    Rule("a refused connection is told", tells_a_refused_connection, "U-E1 U-E2 U-E3"),
    Rule("a name that does not resolve is told", tells_a_name_that_does_not_resolve, "U-E1 U-E2 U-E3"),
    Rule("a bad certificate is told", tells_a_bad_certificate, "U-E1 U-E2 U-E3"),
    Rule("a failed handshake is told", tells_a_failed_handshake, "U-E1 U-E2 U-E3"),
    Rule("HTTP/2 is not replaced by HTTP/1.1", refuses_another_version, "U-J4", versions=HTTP_2),
    Rule("HTTP/1.1 offers no HTTP/2", offers_no_other_version, "U-J4", versions=HTTP_1),
    Rule("of two versions the agreed one is spoken", speaks_the_version_that_was_agreed_on, "U-J4", versions=HTTP_2),
    Rule("an end without a response is told", tells_a_connection_that_ended_without_a_response, "U-E1 U-E2"),
    Rule("a head that was cut is told", tells_a_head_that_was_cut, "U-E1 U-E2"),
    Rule("content that was cut is told", tells_content_that_was_cut, "U-E1"),
    Rule("content that was cut at once is told", tells_content_that_was_cut_before_its_first_octet, "U-E1"),
    Rule("content shorter than declared is told", tells_content_shorter_than_declared, "U-E1"),
    Rule("a malformed response is told", tells_a_malformed_response, "U-E1 U-E5", versions=HTTP_1),
    Rule("a head without end is ended", ends_a_head_without_end, "U-E5"),
    Rule("a refused stream is told", tells_a_refused_stream, "U-E1 U-E2", versions=HTTP_2),
    Rule("errors name the request and no secret", names_the_request_and_no_secret, "U-E6 U-I5"),
)
