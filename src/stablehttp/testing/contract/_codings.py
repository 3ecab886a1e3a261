"""Rules about content codings: left alone, and undone where that is asked for.

Stands on the bench.
"""

from __future__ import annotations

import gzip
import zlib
from typing import Final, cast

from stablehttp._body import AsyncBody, SyncBody
from stablehttp._content_coding import adecoded, decoded
from stablehttp._errors import ContentDecodingError, ContentTooLargeError
from stablehttp._message import Request
from stablehttp._response import Response
from stablehttp.testing._origin_script import Answer
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._driver import Reply, in_thread
from stablehttp.testing.contract._rule import Rule, fails, require, same

_PLAIN: Final = b"some text " * 5000


async def decodes_no_content(bench: Bench) -> None:
    plain = b"some text " * 50
    codings = {"gzip": gzip.compress(plain), "deflate": zlib.compress(plain), "br": b"\x0b\x02\x80text\x03"}
    codings |= {"zstd": b"\x28\xb5\x2f\xfd not really", "x-unknown": b"?", "gzip, br": b"no coding at all"}
    for coding, content in codings.items():
        bench.origin.answer(Answer(200, content, fields=[("Content-Encoding", coding)]))
        reply, got = await bench.exchange(Request("GET", bench.url(), headers=[("Accept-Encoding", coding)]))
        same(got, content, f"octets of content in {coding}")
        headers = reply.response.headers
        same((headers["content-encoding"], headers["content-length"]), (coding, str(len(content))), "fields")


async def _decode(bench: Bench, reply: Reply, limit: int) -> bytes:
    if bench.subject.colour == "async":
        return await adecoded(cast("Response[AsyncBody]", reply.response), limit=limit).aread()
    return await in_thread(lambda: decoded(cast("Response[SyncBody]", reply.response), limit=limit).read())


async def decodes_content_if_asked(bench: Bench) -> None:
    codings = {"gzip": gzip.compress(_PLAIN), "deflate": zlib.compress(_PLAIN), "identity": _PLAIN}
    for framing in ("length", "chunked"):
        for coding, content in codings.items():
            answer = Answer(200, content, fields=[("Content-Encoding", coding)], framing=framing, piece=100)
            bench.origin.answer(answer)
            await bench.rest()
            reply = await bench.driver.send(Request("GET", bench.url()))
            same(await _decode(bench, reply, 1_000_000), _PLAIN, f"content that was coded with {coding}")
    same(bench.used_connections, 1, "connections: each was given back")


async def bounds_what_it_decodes(bench: Bench) -> None:
    """A bomb stops at the limit, coded content that was cut is no content, and the next exchange works."""
    bomb, cut = gzip.compress(bytes(50_000_000)), gzip.compress(_PLAIN)[:-20]
    for content, kind in ((bomb, ContentTooLargeError), (cut, ContentDecodingError)):
        bench.origin.answer(Answer(200, content, fields=[("Content-Encoding", "gzip")]))
        reply = await bench.driver.send(Request("GET", bench.url()))
        with fails(kind):
            await _decode(bench, reply, 1_000_000)
    bench.origin.answer(Answer(200, b"next"))
    _, content = await bench.exchange(Request("GET", bench.url()))
    require(content == b"next", "the next exchange works")


RULES: Final = (
    Rule("no content is decoded", decodes_no_content, "U-D2"),
    Rule("content is decoded if asked for", decodes_content_if_asked, "U-D2"),
    Rule("what is decoded is bounded", bounds_what_it_decodes, "U-D2"),
)
