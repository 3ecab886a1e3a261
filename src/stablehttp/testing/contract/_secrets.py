"""Rules about secrets: whatever fails, nothing that is written about it shows one.

Stands on the bench.

Looked at is all that somebody gets to see who logs an error and knows nothing of this library: the
traceback with everything that led to it, log records from INFO upwards of whoever writes them, and
warnings.
"""

from __future__ import annotations

import gc
import logging
import traceback
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Final, cast

from stablehttp._body import BytesBody
from stablehttp._capability import Capability
from stablehttp._errors import StableHTTPError
from stablehttp._field_value import secret
from stablehttp._http_version import HttpVersion
from stablehttp._message import Request
from stablehttp._settings import HttpSettings, Timeouts
from stablehttp.testing._origin_script import Answer, Close, Fault, GoAway, Hang, Reset, ResetStream
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._driver import Driver
from stablehttp.testing.contract._rule import Rule, require

MARKER: Final = "".join(["mar", "ker", "9c04"])
"""Not in one piece, so that no source line in a traceback holds it."""

_M: Final = MARKER.encode()
_OK: Final = b"HTTP/1.1 200 OK\r\n"
_COOKIE: Final = b"Set-Cookie: a=" + _M
_RAW: Final[dict[str, bytes]] = {
    "no status line": b"HTTP/1.1 " + _M + b"\r\n\r\n",
    "no HTTP": _M * 20 + b"\r\n\r\n",
    "a status that is none": b"HTTP/1.1 20x " + _M + b"\r\n\r\n",
    "NUL in a value": _OK + _COOKIE + b"\x00\r\nContent-Length: 0\r\n\r\n",
    "CR in a value": _OK + _COOKIE + b"\rb\r\nContent-Length: 0\r\n\r\n",
    "no colon": _OK + _COOKIE.replace(b":", b"") + b"\r\nContent-Length: 0\r\n\r\n",
    "a bad name": _OK + _COOKIE.replace(b"-", b" ") + b"\r\nContent-Length: 0\r\n\r\n",
    "a bad line after a good one": _OK + _COOKIE + b"\r\nb c: " + _M + b"\r\nContent-Length: 0\r\n\r\n",
    "a length that is none": _OK + _COOKIE + b"\r\nContent-Length: " + _M + b"\r\n\r\n",
    "two lengths": _OK + _COOKIE + b"\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" + _M,
    "a coding that is none": _OK + _COOKIE + b"\r\nTransfer-Encoding: " + _M + b"\r\n\r\n",
    "a chunk that is none": _OK + _COOKIE + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + _M + b"\r\n\r\n",
    "a bad trailer": _OK + _COOKIE + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + _M + b" " + _M + b"\r\n\r\n",
    "a line without end": _OK + _COOKIE + b"x" * 200_000,
    "a head that is cut": _OK + _COOKIE + b"\r\n",
    "a bad 103": b"HTTP/1.1 103 X\r\nLink " + _M + b"\r\n\r\n" + _OK + b"Content-Length: 0\r\n\r\n",
}


def _faults(version: HttpVersion) -> Iterator[tuple[str, Answer]]:
    cookie = [("Set-Cookie", MARKER), ("X-Api-Key", MARKER), ("Location", f"/?sig={MARKER}")]
    yield "closed", Answer.failing(Close(), "request")
    yield "reset", Answer.failing(Reset(), "request")
    yield "reset in the content", Answer(200, b"0123", fields=cookie, faults=[Fault(Reset(), "response content")])
    yield "cut in the content", Answer(200, b"0123", fields=cookie, faults=[Fault(Close(), "response content")])
    yield "fewer octets than declared", Answer(200, b"0123", fields=cookie, declared=20)
    yield "a success", Answer(200, b"0123", fields=cookie)
    yield "a status of failure", Answer(401, b"0123", fields=cookie)
    if version is HttpVersion.HTTP_2:
        yield "the stream reset", Answer.failing(ResetStream(2), "request")
        yield "going away", Answer.failing(GoAway(0, "before"), "request")
        yield "a bad name", Answer(200, fields=[*cookie, (f"x {MARKER}", MARKER)])
        yield "a bad value", Answer(200, fields=[*cookie, ("x-a", f"{MARKER}\0")])
        yield "a length that is none", Answer(200, fields=[*cookie, ("content-length", MARKER)])
    else:
        for name, octets in _RAW.items():
            yield name, Answer(raw=octets)


def _request(url: str) -> Request[BytesBody]:
    where = url.replace("://", f"://user:{MARKER}@", 1)
    names = ("Authorization", "Cookie", "X-Api-Key", "X-Amz-Security-Token")
    return Request(
        "PUT",
        f"{where}?X-Amz-Signature={MARKER}&sig={MARKER}&token={MARKER}#access_token={MARKER}",
        headers=[*((name, MARKER) for name in names), ("X-Own", secret(MARKER))],
        body=MARKER.encode(),
    )


# --- rules ---------------------------------------------------------------------------------------


async def shows_none_whatever_the_peer_does(bench: Bench) -> None:
    timeouts = Timeouts(read=5) if bench.can(Capability.READ_TIMEOUT) else None
    with _watched():
        for case, answer in _faults(bench.version):
            bench.origin.answer(answer)
            await _shows_none(case, bench.driver, bench.url(f"/{case.replace(' ', '-')}"), timeouts)


async def shows_none_when_time_runs_out(bench: Bench) -> None:
    if bench.can(Capability.READ_TIMEOUT):
        bench.origin.answer(Answer.failing(Hang(), "request"))
        with _watched():
            await _shows_none("silence", bench.driver, bench.url(), Timeouts(read=0.3))


async def shows_none_where_nobody_answers(bench: Bench) -> None:
    plain = await bench.open_origin(plain=True)
    driver = bench.connect(bench.settings)
    with _watched(), bench.dead_end() as url:
        await _shows_none("refused", bench.driver, url)
        await _shows_none("no such name", bench.driver, f"{bench.scheme}://name.invalid/")
        await _shows_none("no TLS", driver, plain.url.replace("http:", "https:") + "/")


async def shows_no_credentials_of_a_proxy(bench: Bench) -> None:
    refusal = [("Proxy-Authenticate", "Basic"), ("Proxy-Authentication-Info", MARKER), ("Set-Cookie", MARKER)]
    proxy = await bench.open_origin(plain=True, http2=False)
    answers = (Answer(407, fields=refusal), Answer(raw=_RAW["no HTTP"]), Answer.failing(Close(), "request"))
    with _watched(), bench.dead_end() as nobody:
        await _shows_no_credentials(bench, "nobody", nobody)
        for answer in answers:
            proxy.answer(answer)
            await _shows_no_credentials(bench, "a proxy that fails", proxy.url)


async def _shows_no_credentials(bench: Bench, case: str, proxy: str) -> None:
    where = proxy.replace("://", f"://user:{MARKER}@").rstrip("/").replace("https:", "http:")
    try:
        driver = bench.connect(HttpSettings(proxy=where, tls=bench.settings.tls))
    except StableHTTPError as error:
        _look(case, "".join(_texts_of(error)))
    else:
        await _shows_none(case, driver, bench.url())


async def _shows_none(case: str, driver: Driver, url: str, timeouts: Timeouts | None = None) -> None:
    try:
        reply = await driver.send(_request(url), timeouts)
        shown = f"{reply.response!r} {reply.response.headers!r} {reply.response.body!r}"
        await reply.read()
    except StableHTTPError as error:
        shown = "\n".join(_texts_of(error))
    _look(case, shown)


# --- looking -------------------------------------------------------------------------------------


def _look(case: str, text: str) -> None:
    place = text.find(MARKER)
    if place >= 0:
        about = text[max(0, place - 300) : place + 40].replace(MARKER, "<the secret>")
        require(holds=False, what=f"{case}: it shows a secret: {about}")


def _texts_of(error: BaseException) -> Iterator[str]:
    yield "".join(traceback.format_exception(error))
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        found = queue.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield f"{found} {found!r} {found.args!r} {getattr(found, '__notes__', '')}"
        queue += [found.__cause__, None if found.__suppress_context__ else found.__context__]
        if isinstance(found, BaseExceptionGroup):
            queue += cast("BaseExceptionGroup[BaseException]", found).exceptions


@contextmanager
def _watched() -> Generator[None, None, None]:
    """Look at what is logged inside the block, and warned of, also of what it dropped."""
    written: list[str] = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: written.append(logging.Formatter().format(record))  # type: ignore[method-assign]
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
            gc.collect()
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
    _look("log or warning", "\n".join([*written, *(str(each.message) for each in caught)]))


RULES: Final = (
    Rule("no secret shows whatever the peer does", shows_none_whatever_the_peer_does, "U-I5 U-E6"),
    Rule("no secret shows when time runs out", shows_none_when_time_runs_out, "U-I5 U-E6"),
    Rule("no secret shows where nobody answers", shows_none_where_nobody_answers, "U-I5 U-E6"),
    Rule("no credentials of a proxy show", shows_no_credentials_of_a_proxy, "U-I5 U-E6"),
)
