"""Rules about the request line and the field lines.

Stands on the bench.
"""

from __future__ import annotations

from typing import Final

from stablehttp._capability import Capability
from stablehttp._errors import InvalidMessageError, SealedError, UnsupportedTransportError
from stablehttp._extensions import Extensions
from stablehttp._fields import Fields
from stablehttp._message import AnyRequest, Request
from stablehttp._operation import Operation
from stablehttp._uri import URI
from stablehttp.testing._origin_script import Answer
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._driver import ready
from stablehttp.testing.contract._rule import HTTP_1, HTTP_2, Rule, fails, require, same
from stablehttp.testing.contract._source import Signal

TARGETS: Final = (
    "/",
    "/?",
    "/a%2Fb%2fc",
    "/%7Euser/~user/%41/%c3%a9/%C3%A9",
    "/it's(1)!*;v=1,2:3@4+5&6=7$",
    "/%27%3A%28%2B%25%20",
    "//two//slashes//",
    "/a/./b/../c/.",
    "/a/%2e%2e/b",
    "/..",
    "/p?flag&flag&a=1&a=2&b=&=c&",
    "/p?x=%2F%2f%3A&y='q'&z=/?:@&w=a+b%20c",
    "/p?next=https://b.test/?a=b",
)


async def sends_the_target_as_given(bench: Bench) -> None:
    for target in TARGETS:
        received = await bench.deliver(Request("GET", bench.url(target)))
        same(received.target, target.encode(), "target")


async def sends_an_empty_path_as_a_slash(bench: Bench) -> None:
    received = await bench.deliver(Request("GET", bench.url("")))
    same(received.target, b"/", "target")
    received = await bench.deliver(Request("GET", bench.url("?q")))
    same(received.target, b"/?q", "target")


async def sends_a_resolved_location_as_it_came(bench: Bench) -> None:
    base = URI(bench.url("/a/b%2fc/%7ex/d?old"))
    for location, target in (("/%7Eb/%2f'?x=%20+&y", "/%7Eb/%2f'?x=%20+&y"), ("e%2F~?", "/a/b%2fc/%7ex/e%2F~?")):
        received = await bench.deliver(Request("GET", base.resolve(location)))
        same(received.target, target.encode(), "target")


async def sends_a_verbatim_target_or_refuses_it(bench: Bench) -> None:
    cases = [("OPTIONS", "*"), ("GET", "/a|b[0]{x}^?q=[1]|{2}"), ("GET", "/100%/%zz"), ("GET", '/a"b<c>`\\d')]
    cases += [("GET", "http://other.test/absolute?form")]
    for method, target in cases:
        await whole_or_refused(bench, Request(method, URI.verbatim(bench.origin.url, target)))


async def whole_or_refused(bench: Bench, request: AnyRequest) -> bool:
    """Make sure that `request` arrives whole, or that no octet of it does; whether it arrived."""
    before = bench.octets
    try:
        await bench.deliver(request)
    except UnsupportedTransportError as error:
        require(error.capability, "a refusal says what is missing")
        same(error.sent, "no", "sent")
        same(bench.octets, before, "octets that arrived of a refused request")
        return False
    return True


async def never_sends_userinfo_or_a_fragment(bench: Bench) -> None:
    uri = bench.origin.url.replace("://", "://user:secret@") + "/p#fragment"
    received = await bench.deliver(Request("GET", uri))
    same(received.values("authorization"), (), "Authorization")
    require(b"secret" not in received.raw_head, "userinfo is not sent")


async def sends_the_method_as_given(bench: Bench) -> None:
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "get", "Post", "PROPFIND", "M-SEARCH"]
    for method in [*methods, "QUERY", "x", "!#$%&'*+-.^_`|~09"]:
        received = await bench.deliver(Request(method, bench.url("/m")))
        same(received.method, method.encode(), "method")


async def sends_connect_and_gives_a_refusal_back(bench: Bench) -> None:
    bench.origin.answer(Answer(405, b"no tunnel"))
    reply, content = await bench.exchange(Request("CONNECT", URI.verbatim(bench.origin.url, "far.test:443")))
    received = await bench.origin.atake()
    same((reply.response.status, content), (405, b"no tunnel"), "response")
    same(received.method, b"CONNECT", "method")
    authority = received.target if received.http_version == "HTTP/1.1" else received.authority
    same(authority, b"far.test:443", "authority of the tunnel")


async def sends_field_lines_as_given(bench: Bench) -> None:
    lines = [
        ("X-Repeated", "1"),
        ("x-lower", "a"),
        ("X-Repeated", "2"),
        ("X-MiXeD-cAsE", "b"),
        ("x-repeated", "3"),
        ("X-Empty", ""),
        ("X-Tab", "a\tb"),
        ("X-Spaces", "a  b , c"),
        ("X-Comma", "a,b"),
        ("Cookie", "a=1; b=2"),
        ("cookie", "c=3"),
        ("X-Quotes", '"a\\"b" (c)'),
        ("!#$%&'*+-.^_`|~", "odd name"),
        ("X-Repeated", "1"),
    ]
    await bench.deliver(Request("GET", bench.url("/fields"), headers=lines))
    await bench.deliver(Request("POST", bench.url("/fields"), headers=lines, body=b"content"))


async def adds_no_line_of_its_own(bench: Bench) -> None:
    for method in ("GET", "DELETE", "POST", "PUT"):
        received = await bench.deliver(Request(method, bench.url("/bare"), body=b"x" if method == "POST" else b""))
        allowed = {b"host", b"content-length", *unavoidable(bench)}
        same([name for name, _ in received.fields if name.lower() not in allowed], [], "lines that nobody asked for")


def unavoidable(bench: Bench) -> set[bytes]:
    """Names of the lines that the connector declares to send in any case, so that they are there to be signed."""
    return {name.lower().encode() for name, _ in bench.connector.unavoidable_lines}


async def keeps_the_spelling_of_names(bench: Bench) -> None:
    lines = [("X-MiXeD", "1"), ("x-lower", "2"), ("X-UPPER", "3"), ("Accept", "*/*")]
    received = await bench.deliver(Request("GET", bench.url("/spelled"), headers=lines))
    same(
        [line for line in received.fields if line[0] != b"Host"], [(n.encode(), v.encode()) for n, v in lines], "lines"
    )


async def sends_names_in_lower_case(bench: Bench) -> None:
    """What is no more than RFC 9110 §5.1 allows is not refused; whoever needs the spelling says so in an operation."""
    received = await bench.deliver(Request("GET", bench.url("/spelled"), headers=[("X-MiXeD", "1")]))
    same([name for name, _ in received.fields if name != name.lower()], [], "names that are not in lower case")
    needy = Operation("Spelled", needs=frozenset({Capability.FIELD_NAME_CASE}))
    before = bench.octets
    with fails(UnsupportedTransportError):
        await bench.exchange(Request("GET", bench.url("/needed"), extensions=Extensions([needy])))
    same(bench.octets, before, "octets that arrived of a call that needs the spelling")


async def sends_lines_that_clients_like_to_own(bench: Bench) -> None:
    lines = [
        ("Accept", "application/x-1"),
        ("accept-encoding", "identity;q=0.5"),
        ("User-Agent", "me/1"),
        ("Content-Type", "text/plain; charset=x"),
        ("Authorization", "Basic dTpw"),
        ("If-None-Match", '"a"'),
        ("Range", "bytes=0-1"),
        ("Date", "Sat, 21 Nov 2026 00:00:00 GMT"),
        ("Referer", "https://a.test/"),
        ("TE", "trailers"),
        ("Content-Encoding", "gzip"),
        ("Content-MD5", "Q2hlY2sgSW50ZWdyaXR5IQ=="),
    ]
    await bench.deliver(Request("PUT", bench.url("/owned"), headers=lines, body=b"content"))


async def sends_the_lines_of_a_connection_as_given(bench: Bench) -> None:
    await bench.deliver(Request("GET", bench.url(), headers=[("Connection", "X-Hop, keep-alive"), ("X-Hop", "1")]))
    received = await bench.deliver(Request("GET", bench.url(), headers=[("X-A", "1"), ("Connection", "close")]))
    same(received.values("connection"), (b"close",), "Connection")
    await bench.deliver(Request("GET", bench.url("/after")))


async def sends_host_first_and_an_override_as_given(bench: Bench) -> None:
    received = await bench.deliver(Request("GET", bench.url("/own"), headers=[("X-A", "1")]))
    same(_authority(received.authority, received.fields), bench.origin.authority.encode(), "authority")
    lines = [("X-A", "1"), ("hOsT", "forwarded.test:8443"), ("X-B", "2")]
    received = await bench.deliver(Request("GET", bench.url("/override"), headers=lines))
    same(_authority(received.authority, received.fields), b"forwarded.test:8443", "authority")
    if received.authority is None:
        name = b"hOsT" if bench.can(Capability.FIELD_NAME_CASE) else b"host"
        same(received.fields[0], (name, b"forwarded.test:8443"), "first line")


async def reaches_a_host_however_it_is_spelled(bench: Bench) -> None:
    spelled = f"LocalHost:{bench.origin.port}"
    received = await bench.deliver(Request("GET", f"{bench.scheme}://{spelled}/"))
    same(_authority(received.authority, received.fields), spelled.encode(), "authority")
    try:
        origin = await bench.open_origin(host="::1")
    except OSError:  # this machine has no IPv6
        return
    driver = bench.connect(bench.settings_for(origin))
    reply = await driver.send(Request("GET", origin.url + "/"))
    await reply.read()
    received = origin.requests[-1]
    same(_authority(received.authority, received.fields), origin.authority.encode(), "authority with an address")


async def refuses_what_http2_has_no_place_for(bench: Bench) -> None:
    lines = [("Connection", "close"), ("Keep-Alive", "timeout=5"), ("Upgrade", "h2c"), ("TE", "trailers, deflate")]
    for line in [*lines, ("Proxy-Connection", "keep-alive")]:
        source = bench.source(b"content", length=7)
        with fails(InvalidMessageError) as caught:
            await bench.driver.send(Request("PUT", bench.url(), headers=[line], body=source))
        same((caught.error.sent, source.opened, bench.octets), ("no", 0, 0), f"sent, opened, octets with {line[0]}")


def _authority(authority: bytes | None, fields: tuple[tuple[bytes, bytes], ...]) -> bytes | None:
    return authority if authority is not None else fields[0][1]


async def sends_octets_above_0x7f_as_given(bench: Bench) -> None:
    every = bytes(range(0x80, 0x100))
    lines: list[tuple[str, str | bytes]] = [("X-Latin-1", b"caf\xe9"), ("X-Every", every), ("X-A", "1")]
    await bench.deliver(Request("GET", bench.url(), headers=[*lines, ("X-UTF-8", "é€".encode())]))


async def sends_many_and_long_lines_or_refuses_them(bench: Bench) -> None:
    many = [(f"X-Line-{number}", str(number)) for number in range(90)]
    await bench.deliver(Request("GET", bench.url("/many"), headers=many))
    for size in (3_000, 4_064, 4_096, 8_000):
        await whole_or_refused(bench, Request("GET", bench.url(f"/long{size}"), headers=[("X-Long", "v" * size)]))
        await whole_or_refused(bench, Request("GET", bench.url(f"/{'t' * size}")))


async def leaves_the_request_as_it_was(bench: Bench) -> None:
    request = Request("PUT", bench.url("/a%2f?b"), headers=[("X-A", "1"), ("x-a", "2"), ("X-B", b"\xe9")], body=b"x")
    if not bench.can(Capability.OPAQUE_VALUES):
        request.headers.remove("X-B")
    before = picture(request)
    await bench.exchange(request)
    same(picture(request), before, "the caller's request")
    handed = ready(request, bench.connector)
    before = picture(handed)
    reply = await bench.driver.send_bare(handed)
    await reply.read()
    same(picture(handed), before, "the request that was handed to the connector")


async def leaves_the_request_as_it_was_after_a_failure(bench: Bench) -> None:
    with bench.dead_end() as url:
        request = Request("PUT", url + "a%2f?b", headers=[("X-A", "1"), ("x-a", "2")], body=b"x")
        before = picture(request)
        with fails(ConnectionError):
            await bench.driver.send(request)
    same(picture(request), before, "the request")


def picture(request: AnyRequest) -> tuple[object, ...]:
    """All that can be seen of a request, to be compared with a later picture."""
    return (
        request.method,
        str(request.uri),
        request.target,
        _lines(request.headers),
        _lines(request.trailers),
        id(request.body),
        request.body.length,
        request.body.taken_by,
        request.sealed_by,
        list(map(repr, request.extensions)),
    )


def _lines(fields: Fields) -> list[tuple[str, str, type]]:
    return [(name, value, type(value)) for name, value in fields.items()]


async def holds_what_is_sealed_while_it_is_sent(bench: Bench) -> None:
    go_on = Signal()
    source = bench.source(b"first", go_on, b"second", length=11)
    sending = bench.start(bench.deliver(Request("POST", bench.url("/sealed"), body=source)))
    await source.reached(5)
    sealed = bench.driver.last
    with fails(SealedError):
        sealed.headers.set("Host", "other.test")
    with fails(SealedError):
        sealed.headers.add("X-Late", "1")
    with fails(SealedError):
        sealed.method = "PUT"
    go_on.give()
    await sending


RULES: Final = (
    Rule("the target is sent as given", sends_the_target_as_given, "U-B1"),
    Rule("an empty path is sent as a slash", sends_an_empty_path_as_a_slash, "U-B1"),
    Rule("a target from a Location value is sent as it came", sends_a_resolved_location_as_it_came, "U-B1"),
    Rule("a verbatim target is sent as given or refused", sends_a_verbatim_target_or_refuses_it, "U-B1"),
    Rule("userinfo and fragment are never sent", never_sends_userinfo_or_a_fragment, "U-B2 U-B9"),
    Rule("the method is sent as given", sends_the_method_as_given, "U-B1"),
    Rule("CONNECT is sent", sends_connect_and_gives_a_refusal_back, "U-D7", needs=Capability.CONNECT_METHOD),
    Rule("field lines are sent as given", sends_field_lines_as_given, "U-B2 U-K1"),
    Rule(
        "field names are spelled as given",
        keeps_the_spelling_of_names,
        "U-B2 U-K1",
        needs=Capability.FIELD_NAME_CASE,
        otherwise=sends_names_in_lower_case,
        versions=HTTP_1,
    ),
    Rule("no line is added", adds_no_line_of_its_own, "U-B2"),
    Rule("lines that clients like to own are sent as given", sends_lines_that_clients_like_to_own, "U-B2"),
    Rule("Connection is sent as given", sends_the_lines_of_a_connection_as_given, "U-B2", versions=HTTP_1),
    Rule("Host is first, and an override is sent", sends_host_first_and_an_override_as_given, "U-B10 U-K1"),
    Rule("a host is reached however it is spelled", reaches_a_host_however_it_is_spelled, "U-B10"),
    Rule(
        "what HTTP/2 has no place for is refused",
        refuses_what_http2_has_no_place_for,
        "U-B2 U-K1",
        versions=HTTP_2,
    ),
    Rule(
        "octets above 0x7F are sent as given", sends_octets_above_0x7f_as_given, "U-K5", needs=Capability.OPAQUE_VALUES
    ),
    Rule("many and long lines are sent or refused", sends_many_and_long_lines_or_refuses_them, "U-B2"),
    Rule("sending leaves the request as it was", leaves_the_request_as_it_was, "U-B3"),
    Rule("failing leaves the request as it was", leaves_the_request_as_it_was_after_a_failure, "U-B3"),
    Rule("what is sealed cannot change while it is sent", holds_what_is_sealed_while_it_is_sent, "U-B8"),
)
