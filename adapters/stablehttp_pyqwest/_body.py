"""Content of responses, in both colours."""

from __future__ import annotations

from typing import final

from stablehttp import Fields
from stablehttp.adapting import warn_dropped
from stablehttp_pyqwest._exchange import Exchange
from stablehttp_pyqwest._runner import Runner, Runners


@final
class AsyncContent:
    """The content of one response."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def read(self) -> bytes:
        """The next chunk, or `b""` at the end."""
        return await self._exchange.read()

    async def aclose(self) -> None:
        """Discard the connection, unless all of the content has arrived and pyqwest has taken it back."""
        await self._exchange.end()

    def trailers(self) -> Fields:
        """The trailers, once the content has ended."""
        return self._exchange.trailers()

    def __del__(self) -> None:
        if not self._exchange.over:
            warn_dropped(self._exchange.name, source=self)
            self._exchange.drop()


@final
class SyncContent:
    """The content of one response, read in an event loop that nobody else uses meanwhile."""

    __slots__ = ("_exchange", "_runner", "_runners")

    def __init__(self, exchange: Exchange, runner: Runner, runners: Runners) -> None:
        self._exchange = exchange
        self._runner: Runner | None = runner
        self._runners = runners

    def read(self) -> bytes:
        """The next chunk, or `b""` at the end."""
        return b"" if self._runner is None else self._runner.run(self._exchange.read())

    def close(self) -> None:
        """Discard the connection, unless all of the content has arrived and pyqwest has taken it back."""
        runner, self._runner = self._runner, None
        if runner is not None:
            try:
                if not self._exchange.over:
                    runner.run(self._exchange.end())
            finally:
                self._runners.give(runner)

    def trailers(self) -> Fields:
        """The trailers, once the content has ended."""
        return self._exchange.trailers()

    def __del__(self) -> None:
        if not self._exchange.over:
            warn_dropped(self._exchange.name, source=self)
            self._exchange.drop()
