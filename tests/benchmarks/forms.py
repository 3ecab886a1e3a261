"""What each client takes: made by the adapter from a prepared request, and by hand.

An adapter or a client that is not there is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from typing import Any, Final

from tests.benchmarks.harness import Goal, LeftOut
from tests.benchmarks.workload import CONTENT, HOST, PATH, QUERY, TARGET, URL, lines_by_hand

from stablehttp import BytesBody, Request


@dataclass(frozen=True, slots=True)
class Form:
    """One client's form; `lines` reads the field lines out of either result, to compare them."""

    name: str
    goal: Goal
    convert: Callable[[Request[BytesBody]], Any]
    by_hand: Callable[[], Any]
    lines: Callable[[Any], list[tuple[str, str]]]


def forms() -> Iterator[Form | LeftOut]:
    """The forms of all clients that are there."""
    for name, make in _MAKERS.items():
        try:
            yield make()
        except ImportError as error:
            yield LeftOut(f"{name} form", str(error))


def _aiohttp() -> Form:
    import yarl
    from multidict import CIMultiDict

    from stablehttp_aiohttp import to_aiohttp

    def by_hand() -> tuple[Any, ...]:
        url = yarl.URL.build(scheme="https", host=HOST, path=PATH, query_string=QUERY, encoded=True)
        return "PUT", url, CIMultiDict(lines_by_hand()), CONTENT

    return Form("aiohttp", Goal(2.5, 2.0), to_aiohttp, by_hand, lambda made: list(made[2].items()))


def _crt() -> Form:
    from awscrt.http import HttpHeaders, HttpRequest

    from stablehttp_crt import to_crt

    def by_hand() -> Any:
        return HttpRequest("PUT", TARGET, HttpHeaders(lines_by_hand()), BytesIO(CONTENT))

    return Form("CRT", Goal(2.3, 1.9), to_crt, by_hand, lambda made: list(made.headers))


def _httpx(package: str = "httpx") -> Form:
    client = import_module(package)
    adapter = import_module(f"stablehttp_{package}._convert")
    origins = adapter.Origins()

    def convert(request: Request[BytesBody]) -> Any:
        target = {"target": request.target.encode()}
        return adapter.convert(request, origins.url(request.uri), client.ByteStream(request.body.content), target)

    def by_hand() -> Any:
        return client.Request("PUT", URL, headers=lines_by_hand(), content=CONTENT)

    def lines(made: Any) -> list[tuple[str, str]]:
        return [(name.decode(), value.decode()) for name, value in made.headers.raw]

    return Form(package, Goal(0.75, 0.6), convert, by_hand, lines)


_MAKERS: Final = {"aiohttp": _aiohttp, "CRT": _crt, "httpx": _httpx, "httpx2": lambda: _httpx("httpx2")}
