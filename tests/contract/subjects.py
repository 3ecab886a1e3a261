"""The connectors that the contract is checked on: client, colour, version."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Final, Literal

from tests.contract.lending import LENDERS

from stablehttp import AsyncConnector, HttpSettings, HttpVersion, SyncConnector
from stablehttp.testing.contract import Make, Subject

_HTTP_1: Final = ("HTTP/1.1",)
_CLIENTS: Final = {
    # client: name in its classes, colours, versions
    "h11": ("H11", ("async", "sync"), _HTTP_1),
    "httpx": ("Httpx", ("async", "sync"), ("HTTP/1.1", "HTTP/2", "HTTP/2 cleartext")),
    "httpx2": ("Httpx2", ("async", "sync"), ("HTTP/1.1", "HTTP/2", "HTTP/2 cleartext")),
    "aiohttp": ("Aiohttp", ("async",), _HTTP_1),
    "crt": ("Crt", ("async", "sync"), ("HTTP/1.1", "HTTP/2")),
    "pyqwest": ("Pyqwest", ("async", "sync"), ("HTTP/1.1", "HTTP/2", "HTTP/2 cleartext")),
}


@cache
def missing(client: str, colour: str = "async") -> str | None:
    """Why the connector of `client` in this colour cannot be made here; None if it can."""
    try:
        getattr(import_module(f"stablehttp_{client}"), f"{colour.capitalize()}{_CLIENTS[client][0]}Connector")
    except (ImportError, AttributeError) as error:
        return str(error)
    return None


def _maker(client: str, colour: str) -> Make:
    name = f"{colour.capitalize()}{_CLIENTS[client][0]}Connector"

    def make(settings: HttpSettings, versions: Sequence[HttpVersion]) -> AsyncConnector | SyncConnector:
        connector: Callable[..., AsyncConnector | SyncConnector] = getattr(import_module(f"stablehttp_{client}"), name)
        return connector(versions=tuple(versions), settings=settings)

    return make


def talking_aiohttp() -> Subject:
    """The aiohttp connector that declares duplex, which it does only if told to."""

    def make(settings: HttpSettings, versions: Sequence[HttpVersion]) -> AsyncConnector:
        connector: Callable[..., AsyncConnector] = import_module("stablehttp_aiohttp").AsyncAiohttpConnector
        return connector(versions=tuple(versions), settings=settings, duplex=True)

    return Subject("aiohttp", make)


def subjects() -> Iterator[Subject]:
    """All connectors that could be checked, installed or not."""
    for client, (_, colours, versions) in _CLIENTS.items():
        for colour in colours:
            for spoken in versions:
                version = HttpVersion.HTTP_1_1 if spoken == "HTTP/1.1" else HttpVersion.HTTP_2
                yield Subject(
                    client,
                    _maker(client, colour),
                    colour=_colour(colour),
                    version=version,
                    tls=spoken == "HTTP/2",
                    lend=LENDERS.get((client, colour)),
                )


def _colour(word: str) -> Literal["async", "sync"]:
    return "async" if word == "async" else "sync"
