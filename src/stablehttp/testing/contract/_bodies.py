"""Rules about every kind of body: it arrives octet for octet, and again, or it is refused by name.

Stands on the bench.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, final

from stablehttp._body import AsyncIterableBody, Body, FileBody, IterableBody, make_body
from stablehttp._capability import Capability
from stablehttp._computed_trailers import with_checksum
from stablehttp._errors import BodyTakenError, ContentLengthError, DisconnectedError
from stablehttp._forms import AsyncMultipartBody, FormBody, MultipartBody, Part, SyncMultipartBody
from stablehttp._message import Request
from stablehttp.testing._origin_script import Answer, Fault, Reset
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._driver import ready
from stablehttp.testing.contract._kinds import ALL, FILES, MEMORY, OCTETS, SIZE, STREAMS, Kind, Shop, apieces, pieces
from stablehttp.testing.contract._rule import BrokenRuleError, Rule, fails, require, same


async def sends_kinds(bench: Bench, kinds: Sequence[Kind]) -> None:
    """Each arrives; a second attempt gives the same octets, or is refused before one of them leaves."""
    with Shop() as shop:
        for kind in kinds:
            if kind.colour in (None, bench.subject.colour):
                body = make_body(kind.make(shop))
                with _naming(kind):
                    await _sends(bench, body, kind, OCTETS if kind.length != 0 else b"")


async def _sends(bench: Bench, body: Body, kind: Kind, content: bytes) -> None:
    same((body.length, body.replayable), (kind.length, kind.again), "length, and whether it is replayable")
    request = Request("PUT", bench.url("/kind"), body=body)
    received = await bench.deliver(request, content=content)
    declared = () if kind.length is None else (str(kind.length).encode(),)
    same(received.values("content-length"), declared, "Content-Length")
    if kind.again:
        await bench.deliver(request, content=content)
        return
    before = bench.octets
    with fails(BodyTakenError):
        await bench.exchange(request)
    same(bench.octets, before, "octets that arrived of the second attempt")


async def sends_again_after_a_cut(bench: Bench, kinds: Sequence[Kind]) -> None:
    """An attempt that broke in the middle is repeated from the first octet, or refused; never cut, never empty."""
    with Shop() as shop:
        for kind in kinds:
            if kind.colour in (None, bench.subject.colour) and kind.length != 0:
                with _naming(kind):
                    await _breaks_and_sends_again(bench, make_body(kind.make(shop)), kind)


async def _breaks_and_sends_again(bench: Bench, body: Body, kind: Kind) -> None:
    bench.origin.script([Answer(faults=[Fault(Reset(), "request content", after=1)])])
    request = Request("PUT", bench.url("/again"), body=body)
    with fails(DisconnectedError):
        await bench.exchange(request)
    before = bench.octets
    if kind.again:
        with suppress(DisconnectedError):  # the reset may reach a connection that is idle by then
            await bench.exchange(Request("GET", bench.url("/between")))
        await bench.deliver(request, content=OCTETS)
        return
    with fails(BodyTakenError):
        await bench.exchange(request)
    same(bench.octets, before, "octets that arrived of the second attempt")


async def sends_forms(bench: Bench) -> None:
    with Shop() as shop:
        parts = [Part("name", b"pear"), Part("file", FileBody.from_path(shop.path()), filename="f", content_type="a/b")]
        for form in (FormBody({"name": "pear", "note": "ripe & sweet"}), MultipartBody(parts)):
            content = b"".join(form)
            lines = [("Content-Type", form.content_type)]
            for _ in range(2):
                request = Request("POST", bench.url("/form"), headers=lines, body=form)
                received = await bench.deliver(request, content=content)
                same(received.values("content-length"), (str(len(content)).encode(),), "Content-Length")
                same(received.values("content-type"), (form.content_type.encode(),), "Content-Type")


async def sends_forms_with_streams(bench: Bench) -> None:
    def fresh() -> Body:
        if bench.subject.colour == "async":
            return AsyncMultipartBody([Part("a", b"1"), Part("s", apieces()), Part("b", b"2")], boundary="b")
        return SyncMultipartBody([Part("a", b"1"), Part("s", pieces()), Part("b", b"2")], boundary="b")

    head = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    content = b"".join(head % part for part in ((b"a", b"1"), (b"s", OCTETS), (b"b", b"2"))) + b"--b--\r\n"
    await bench.deliver(Request("POST", bench.url("/form"), body=fresh()), content=content)


async def sends_what_is_left_of_a_file_and_no_more(bench: Bench) -> None:
    """A file that changed after it was measured: what grew stays back, and what shrank is no whole content."""
    with Shop() as shop:
        for now, found in ((OCTETS + b"more", "more"), (OCTETS[:-5], "fewer")):
            path = shop.path()
            body = FileBody.from_path(path)
            path.write_bytes(now)
            with fails(ContentLengthError) as caught:
                await bench.exchange(Request("PUT", bench.url("/changed"), body=body))
            require(f"gave {found} octets" in str(caught.error), f"the error says that there were {found}")
            same(caught.error.declared, ALL, "declared")
    await _still_works(bench)
    for received in bench.origin.requests:
        require(received.content_length <= ALL, "octets beyond the declared length never leave")
        require(received.target == b"/after" or not received.complete, "no cut request looks complete")


async def keeps_a_length_that_the_caller_declares(bench: Bench) -> None:
    """For a stream that knows none: what agrees is sent, what does not is stopped or reported."""
    if bench.subject.colour == "async":
        make: Callable[[], Body] = lambda: AsyncIterableBody.from_factory(apieces)  # noqa: E731
    else:
        make = lambda: IterableBody.from_factory(pieces)  # noqa: E731
    lines = [("Content-Length", str(ALL))]
    await bench.deliver(Request("PUT", bench.url("/own"), headers=lines, body=make()), content=OCTETS)
    for declared in (ALL - 1, SIZE, 1, ALL + 1):
        lines = [("Content-Length", str(declared))]
        with fails(ContentLengthError) as caught:
            await bench.exchange(Request("PUT", bench.url(f"/{declared}"), headers=lines, body=make()))
        same(caught.error.declared, declared, "declared")
    await _still_works(bench)
    for received in bench.origin.requests:
        if (number := received.target.removeprefix(b"/")).isdigit():
            require(received.content_length <= int(number), "octets beyond the declared length never leave")
            at_an_edge = int(number) == SIZE  # all of it had left before there was one octet too many
            require(at_an_edge or not received.complete, "no cut request looks complete")


async def computes_trailers_while_it_sends(bench: Bench) -> None:
    body = with_checksum(OCTETS, "X-Sum", "crc32", encoding="hex")
    request = Request("PUT", bench.url("/sum"), body=body, trailers=[("X-Given", "1")])
    for _ in range(2):
        reply, _ = await bench.exchange(request)
        same(reply.response.status, 200, "status")
        received = await bench.origin.atake()
        trailers = [(name.lower(), value) for name, value in received.trailers]
        same((received.content, received.complete), (OCTETS, True), "content")
        same(trailers, [(b"x-given", b"1"), (b"x-sum", b"%08x" % _crc32())], "trailers")
        announced = {name.strip().lower() for value in received.values("trailer") for name in value.split(b",")}
        same(announced, {b"x-given", b"x-sum"}, "announced trailers")


async def sends_given_trailers_without_a_pipeline(bench: Bench) -> None:
    request = ready(Request("PUT", bench.url("/bare"), body=OCTETS, trailers=[("X-Given", "1")]), bench.connector)
    await (await bench.driver.send_bare(request)).read()
    received = await bench.origin.atake()
    trailers = [(name.lower(), value) for name, value in received.trailers]
    same((received.content, trailers), (OCTETS, [(b"x-given", b"1")]), "content and trailers")


async def sends_computed_trailers_without_a_pipeline(bench: Bench) -> None:
    body = with_checksum(OCTETS, "X-Sum", "crc32", encoding="hex")
    await (await bench.driver.send_bare(ready(Request("PUT", bench.url("/bare"), body=body), bench.connector))).read()
    received = await bench.origin.atake()
    trailers = [(name.lower(), value) for name, value in received.trailers]
    same((received.content, trailers), (OCTETS, [(b"x-sum", b"%08x" % _crc32())]), "content and trailers")


def _crc32() -> int:
    import zlib

    return zlib.crc32(OCTETS)


async def _still_works(bench: Bench) -> None:
    with suppress(DisconnectedError):  # the end of a connection may reach one that is idle by then
        await bench.exchange(Request("GET", bench.url("/after")))
    reply, _ = await bench.exchange(Request("GET", bench.url("/after")))
    same(reply.response.status, 200, "status of the next exchange")


@final
class _naming:  # noqa: N801 (reads as a statement)
    """Says which kind a rule was broken with."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BrokenRuleError):
            raise BrokenRuleError(f"{self._kind.name}: {error}") from error


RULES: Final = (
    Rule("content in memory arrives, and again", partial(sends_kinds, kinds=MEMORY), "U-H1 U-H4 U-B6"),
    Rule("files and paths arrive, and again", partial(sends_kinds, kinds=FILES), "S1 S4 S6 U-H1 U-H4"),
    Rule(
        "readers, iterables and factories arrive, and again or are refused",
        partial(sends_kinds, kinds=STREAMS),
        "S1 S2 U-H1 U-H4",
        needs=Capability.STREAMED_REQUEST,
    ),
    Rule(
        "what broke in the middle is sent again whole", partial(sends_again_after_a_cut, kinds=MEMORY + FILES), "U-H4"
    ),
    Rule(
        "a stream that broke in the middle is sent again whole or refused",
        partial(sends_again_after_a_cut, kinds=STREAMS),
        "U-H4",
        needs=Capability.STREAMED_REQUEST,
    ),
    Rule("forms arrive, and again", sends_forms, "S7 U-H1 U-H4"),
    Rule("forms with streams inside arrive", sends_forms_with_streams, "S1 S2", needs=Capability.STREAMED_REQUEST),
    Rule("a file that changed is never sent as if it had not", sends_what_is_left_of_a_file_and_no_more, "S4 U-H2"),
    Rule(
        "a length that the caller declares is kept",
        keeps_a_length_that_the_caller_declares,
        "S3 U-H1 U-H2",
        needs=Capability.STREAMED_REQUEST,
    ),
    Rule(
        "trailers are computed while content is sent",
        computes_trailers_while_it_sends,
        "R8 U-H4",
        needs=Capability.REQUEST_TRAILERS,
    ),
    Rule(
        "trailers are sent or refused without a pipeline too",
        sends_given_trailers_without_a_pipeline,
        "R8",
        needs=Capability.REQUEST_TRAILERS,
    ),
    Rule(
        "computed trailers are sent or refused without a pipeline too",
        sends_computed_trailers_without_a_pipeline,
        "R8",
        needs=Capability.REQUEST_TRAILERS,
    ),
)
