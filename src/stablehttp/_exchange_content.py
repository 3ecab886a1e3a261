"""The content of the request of an exchange, which is pushed while it is sent.

Floor 6: stands on messages, and on content that is pushed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import final

from stablehttp._body import AsyncBody
from stablehttp._errors import InvalidFieldError
from stablehttp._fields import Fields
from stablehttp._message import AnyRequest, check_trailers
from stablehttp._pushed import PushedBody


@final
class ExchangeContent(AsyncBody):
    """The content of the request of an exchange: what is pushed, then the trailers that were announced."""

    __slots__ = ("_lines", "_names", "pushed")

    def __init__(self, trailer_names: Iterable[str] = ()) -> None:
        super().__init__()
        self.pushed = PushedBody()
        self._names = tuple(trailer_names)
        self._lines: tuple[tuple[str, str], ...] = ()

    @property
    def trailer_names(self) -> tuple[str, ...]:
        """The names that the field `Trailer` of the request announces."""
        return self._names

    def computed_trailers(self) -> Iterable[tuple[str, str]]:
        """The lines that `end` was given."""
        return self._lines

    def end(self, trailers: Fields) -> None:
        """The content ends here, with these trailers.

        Raises:
            InvalidFieldError: they are not those that were announced; nothing was changed.
        """
        check_trailers(trailers)
        given, announced = {name.lower() for name, _ in trailers}, {name.lower() for name in self._names}
        for name in sorted(given ^ announced):
            problem = "was not announced; name it" if name in given else "is missing; give it, or leave it out"
            raise InvalidFieldError(f"trailer {name!r} {problem} in the field 'Trailer' of the request", field=name)
        self._lines = tuple(trailers)
        self.pushed.finish()

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """What is pushed, as it is pushed."""
        self._claim(reader)
        async for chunk in self.pushed.achunks(reader=reader):
            yield chunk

    async def aclose(self) -> None:
        """Nobody reads any more: who pushes is told."""
        self.pushed.abandon()

    def __repr__(self) -> str:
        return "<ExchangeContent>"


def announced_trailers(request: AnyRequest) -> tuple[str, ...]:
    """The names that the field `Trailer` announces."""
    names = (name.strip(" \t") for value in request.headers.values("trailer") for name in value.split(","))
    return tuple(name for name in names if name and name not in request.trailers)
