"""Rules about responses: head, content, trailers, and what nobody may do with them.

Stands on the bench.
"""

from __future__ import annotations

from typing import Final

from stablehttp._capability import Capability
from stablehttp._errors import InvalidResponseError, TrailersUnavailableError, UnsupportedTransportError
from stablehttp._extensions import Extensions
from stablehttp._http_version import HttpVersion
from stablehttp._informational import InformationalHook
from stablehttp._message import Request
from stablehttp.testing._origin_script import Answer, Gate, Informational
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._rule import HTTP_1, Rule, fails, require, same

CONTENT: Final = bytes(range(256)) * 300


async def reports_the_status(bench: Bench) -> None:
    for status in (200, 201, 203, 207, 299, 404, 418, 499, 500, 599):
        bench.origin.answer(Answer(status, b"x"))
        reply, content = await bench.exchange(Request("GET", bench.url()))
        same((reply.response.status, content), (status, b"x"), "status and content")


async def reports_the_reason(bench: Bench) -> None:
    for reason in ("OK", "Fine, thanks", "all small", ""):
        bench.origin.answer(Answer(200, b"x", reason=reason))
        reply, _ = await bench.exchange(Request("GET", bench.url()))
        same(reply.response.reason, reason, "reason")


async def invents_no_reason(bench: Bench) -> None:
    bench.origin.answer(Answer(200, b"x", reason="Fine, thanks"))
    reply, _ = await bench.exchange(Request("GET", bench.url()))
    same(reply.response.reason, "", "reason")


async def reports_the_version(bench: Bench) -> None:
    reply, _ = await bench.exchange(Request("GET", bench.url()))
    same(reply.response.http_version, bench.version, "version")
    same((await bench.origin.atake()).http_version, bench.version.value, "version seen by the origin")
    tls = bench.origin.connections[0].alpn
    require(reply.response.connection.alpn in (None, tls), "ALPN is what was negotiated, or not told")


async def reports_http_1_0(bench: Bench) -> None:
    bench.origin.answer(Answer(200, b"old", version=b"HTTP/1.0", connection="close"))
    reply, content = await bench.exchange(Request("GET", bench.url()))
    same((reply.response.http_version, content), (HttpVersion.HTTP_1_0, b"old"), "version and content")


async def keeps_the_field_lines(bench: Bench) -> None:
    lines = [
        ("X-Mixed", "1"),
        ("Set-Cookie", "a=1; Path=/"),
        ("x-mixed", "2"),
        ("X-Other", "o"),
        ("set-cookie", "b=2, c; Path=/"),
        ("X-MIXED", "3"),
        ("X-Empty", ""),
        ("X-Tab", "a\tb  c"),
        ("Via", "1.1 a, 1.1 b"),
    ]
    bench.origin.answer(Answer(200, b"x", fields=lines))
    reply, _ = await bench.exchange(Request("GET", bench.url()))
    got = [line for line in reply.response.headers.items() if line[0].lower() not in ("content-length", "date")]
    if bench.version is HttpVersion.HTTP_2:
        lines = [(name.lower(), value) for name, value in lines]
    same(got, lines, "field lines")
    headers = reply.response.headers
    same(headers.values("SET-COOKIE"), ("a=1; Path=/", "b=2, c; Path=/"), "Set-Cookie")
    same((headers["x-Mixed"], headers.get("X-Nothing"), "via" in headers), ("1, 2, 3", None, True), "lookups")
    same(len(headers), len(headers.items()), "number of lines")


async def keeps_octets_above_0x7f_or_says_so(bench: Bench) -> None:
    bench.origin.answer(Answer(200, b"x", fields=[("X-A", "1"), ("X-Latin-1", b"caf\xe9"), ("X-UTF-8", "é".encode())]))
    try:
        reply, _ = await bench.exchange(Request("GET", bench.url()))
    except (InvalidResponseError, UnsupportedTransportError):
        bench.origin.answer(Answer())
        await bench.exchange(Request("GET", bench.url()))
        return
    same(reply.response.headers["x-latin-1"], "caf\xe9", "value with octet 0xE9")
    same(reply.response.headers["x-utf-8"].encode("latin-1"), "é".encode(), "octets of a value in UTF-8")


async def trims_whitespace_around_values(bench: Bench) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-A: \t a \t \r\nX-B:b\r\n\r\n"
    bench.origin.answer(Answer(raw=head + b"x"))
    reply, content = await bench.exchange(Request("GET", bench.url()))
    same((reply.response.headers["x-a"], reply.response.headers["x-b"], content), ("a", "b", b"x"), "values")


async def gives_content_of_a_declared_length(bench: Bench) -> None:
    for content in (b"x", CONTENT, b""):
        bench.origin.answer(Answer(200, content, piece=10_000))
        reply, got = await bench.exchange(Request("GET", bench.url()))
        same((got, reply.response.body.length), (content, len(content)), "content and its length")


async def gives_content_in_chunks(bench: Bench) -> None:
    bench.origin.answer(Answer(200, [b"one,", CONTENT, b"three"], framing="chunked"))
    _, got = await bench.exchange(Request("GET", bench.url()))
    same(got, b"one," + CONTENT + b"three", "content")
    bench.origin.answer(Answer(200, [], framing="chunked"))
    _, got = await bench.exchange(Request("GET", bench.url()))
    same(got, b"", "empty content")


async def gives_content_that_ends_with_the_connection_or_says_so(bench: Bench) -> None:
    bench.origin.script([Answer(200, CONTENT, framing="close"), Answer(200, b"next")])
    try:
        _, got = await bench.exchange(Request("GET", bench.url()))
        same(got, CONTENT, "content")
    except InvalidResponseError as error:  # it must not pass for content that is empty
        same((error.sent, error.processed), ("yes", "yes"), "sent and processed")
    same((await bench.exchange(Request("GET", bench.url())))[1], b"next", "content of the next response")


async def gives_large_content(bench: Bench) -> None:
    bench.origin.answer(Answer(200, 3_000_000))
    reply = await bench.driver.send(Request("GET", bench.url()))
    total = 0
    async for chunk in reply.chunks():
        total += len(chunk)
        require(chunk, "no chunk is empty")
    same(total, 3_000_000, "octets")


async def knows_what_has_no_content(bench: Bench) -> None:
    cases = [("HEAD", Answer(200, b"not sent")), ("GET", Answer(204)), ("GET", Answer(304))]
    cases.append(("HEAD", Answer(404, [b"not sent"], framing="chunked")))
    if bench.version is HttpVersion.HTTP_1_1:
        cases.append(("GET", Answer(raw=b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", connection="keep")))
    for method, answer in cases:
        bench.origin.script([answer])
        reply, content = await bench.exchange(Request(method, bench.url()))
        same((reply.response.status, content), (answer.status if answer.raw is None else 304, b""), "response")
    bench.origin.answer(Answer(200, b"next"))
    same((await bench.exchange(Request("GET", bench.url())))[1], b"next", "content of the next response")


async def skips_interim_responses(bench: Bench) -> None:
    early = (Informational(103, [("Link", "</a>")]), Informational(102), Informational(100), Informational(103))
    bench.origin.answer(Answer(200, b"x", fields=[("X-Final", "1")], informational=early))
    for method in ("GET", "HEAD", "POST"):
        reply, content = await bench.exchange(Request(method, bench.url()))
        same((reply.response.status, content), (200, b"" if method == "HEAD" else b"x"), "response")
        same("link" in reply.response.headers, False, "a field of an interim response")


async def hands_interim_responses_to_a_hook(bench: Bench) -> None:
    early = (Informational(103, [("Link", "</a>"), ("Link", "</b>")]), Informational(102))
    bench.origin.answer(Answer(200, b"x", informational=early))
    seen: list[tuple[int, tuple[str, ...]]] = []
    hook = InformationalHook(lambda response: seen.append((response.status, response.headers.values("link"))))
    reply, content = await bench.exchange(Request("GET", bench.url(), extensions=Extensions([hook])))
    same((reply.response.status, content), (200, b"x"), "final response")
    same(seen, [(103, ("</a>", "</b>")), (102, ())], "interim responses")


async def follows_no_redirect(bench: Bench) -> None:
    elsewhere = await bench.open_origin()
    for status in (301, 302, 303, 307, 308):
        bench.origin.answer(Answer(status, b"moved", fields=[("Location", elsewhere.url + "/x")]))
        reply, content = await bench.exchange(Request("GET", bench.url()))
        same((reply.response.status, content), (status, b"moved"), "response")
        same(reply.response.headers["location"], elsewhere.url + "/x", "Location")
    same((bench.origin.count, elsewhere.count), (5, 0), "requests seen by both origins")


async def asks_for_no_credentials(bench: Bench) -> None:
    bench.origin.answer(Answer(401, b"who", fields=[("WWW-Authenticate", 'Basic realm="x"')]))
    reply, _ = await bench.exchange(Request("GET", bench.origin.url.replace("://", "://user:pass@") + "/"))
    same((reply.response.status, bench.origin.count), (401, 1), "status, and requests that arrived")


async def keeps_no_cookie(bench: Bench) -> None:
    bench.origin.answer(Answer(200, fields=[("Set-Cookie", "session=1; Path=/"), ("Set-Cookie", "b=2")]))
    for _ in range(2):
        received = await bench.deliver(Request("GET", bench.url()))
        same(received.values("cookie"), (), "Cookie")


async def gives_content_while_it_arrives(bench: Bench) -> None:
    gate = Gate()
    bench.origin.answer(Answer(200, [b"first", gate, b"second"]))
    reply = await bench.driver.send(Request("GET", bench.url()))
    chunks = reply.chunks()
    same(await anext(chunks), b"first", "first chunk, while the second is held back")
    gate.open()
    same([chunk async for chunk in chunks], [b"second"], "the rest")


async def gives_trailers_after_the_content(bench: Bench) -> None:
    trailers = [("X-Sum", "1"), ("X-Other", "a"), ("X-Sum", "2")]
    bench.origin.script([Answer(200, [b"content"], trailers=trailers), Answer(200, [b"more"], framing="chunked")])
    reply = await bench.driver.send(Request("GET", bench.url(), headers=[("TE", "trailers")]))
    with fails(TrailersUnavailableError):
        _ = reply.response.trailers
    same(await reply.read(), b"content", "content")
    got = reply.response.trailers
    same((got.values("x-sum"), got.values("x-other"), len(got)), (("1", "2"), ("a",), 3), "trailers")
    same("x-sum" in reply.response.headers, False, "a trailer among the headers")
    reply, _ = await bench.exchange(Request("GET", bench.url()))
    same(reply.response.trailers.items(), [], "trailers of the next response")


async def says_that_trailers_cannot_be_had(bench: Bench) -> None:
    bench.origin.script([Answer(200, [b"content"], trailers=[("X-Sum", "1")])])
    reply, content = await bench.exchange(Request("GET", bench.url()))
    same(content, b"content", "content")
    with fails(TrailersUnavailableError):
        _ = reply.response.trailers
    same("x-sum" in reply.response.headers, False, "a trailer among the headers")
    await bench.deliver(Request("GET", bench.url("/next")))


RULES: Final = (
    Rule("the status is reported", reports_the_status, "U-D3"),
    Rule(
        "the reason is reported",
        reports_the_reason,
        "U-D7",
        needs=Capability.REASON_PHRASE,
        otherwise=invents_no_reason,
        versions=HTTP_1,
    ),
    Rule("the version is reported", reports_the_version, "U-J4"),
    Rule("HTTP/1.0 is reported", reports_http_1_0, "U-J4", versions=HTTP_1),
    Rule("the field lines are kept", keeps_the_field_lines, "U-K2"),
    Rule("octets above 0x7F are kept, or it is said", keeps_octets_above_0x7f_or_says_so, "U-K5"),
    Rule("whitespace around values is trimmed", trims_whitespace_around_values, "U-I2", versions=HTTP_1),
    Rule("content of a declared length is given", gives_content_of_a_declared_length, "U-D2"),
    Rule("content in chunks is given", gives_content_in_chunks, "U-D2"),
    Rule(
        "content up to the close is given, or it is said",
        gives_content_that_ends_with_the_connection_or_says_so,
        "U-D2",
        versions=HTTP_1,
    ),
    Rule("large content is given", gives_large_content, "U-D2"),
    Rule("what has no content has none", knows_what_has_no_content, "U-D2"),
    Rule("interim responses are skipped", skips_interim_responses, "U-M2"),
    Rule(
        "interim responses are handed to a hook",
        hands_interim_responses_to_a_hook,
        "U-M2",
        needs=Capability.INFORMATIONAL,
    ),
    Rule("no redirect is followed", follows_no_redirect, "U-D3"),
    Rule("no credentials are made up", asks_for_no_credentials, "U-D3 U-B9"),
    Rule("no cookie is kept", keeps_no_cookie, "U-D3"),
    Rule(
        "content is given while it arrives",
        gives_content_while_it_arrives,
        "U-J7",
        needs=Capability.STREAMED_RESPONSE,
        otherwise=gives_large_content,
    ),
    Rule(
        "trailers are given after the content",
        gives_trailers_after_the_content,
        "U-J6",
        needs=Capability.RESPONSE_TRAILERS,
        otherwise=says_that_trailers_cannot_be_had,
    ),
)
