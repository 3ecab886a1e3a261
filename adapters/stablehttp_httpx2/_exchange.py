"""One exchange: what both its halves need until the content of the response has ended.

The connector begins an exchange and sends; the content of the response goes on with it, and ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final
from weakref import ref

from stablehttp import AnyRequest, StableHTTPError
from stablehttp_httpx2._alarm import Alarm
from stablehttp_httpx2._errors import Content, translate
from stablehttp_httpx2._limits import Ration
from stablehttp_httpx2._loans import AsyncLoan, SyncLoan
from stablehttp_httpx2._progress import Progress
from stablehttp_httpx2._watch import Watch


class _Exchange:
    """Which request it is about, and how far it has come."""

    __slots__ = ("__weakref__", "method", "origin", "progress")

    def __init__(self, request: AnyRequest, progress: Progress) -> None:
        self.method = request.method
        self.origin = request.uri.origin
        self.progress = progress

    def explain(self, error: Exception, content: Content | None = None) -> StableHTTPError:
        """Our error for what went wrong, with the request that it is about."""
        return translate(error, self.progress, content).about(self.method, self.origin)


@final
class AsyncExchange(_Exchange):
    """An exchange whose client is awaited, under a watch.

    `patience` is how many seconds it waits for a transport, and `loan` is its transport while it has one.
    """

    __slots__ = ("loan", "patience", "watch")

    def __init__(self, request: AnyRequest, progress: Progress, watch: Watch, patience: float | None) -> None:
        super().__init__(request, progress)
        self.watch = watch
        self.patience = patience
        self.loan: AsyncLoan | None = None

    async def end(self, error: BaseException | None = None) -> None:
        """Give the transport back, once; with an error, as one that is not to be used again."""
        loan, self.loan = self.loan, None
        if loan is not None:
            await loan.end(self.progress, error)


@final
class SyncExchange(_Exchange):
    """An exchange whose client blocks, on a ration; `loan` is its transport while it has one."""

    __slots__ = ("_alarm", "loan", "ration")

    def __init__(self, request: AnyRequest, progress: Progress, ration: Ration) -> None:
        super().__init__(request, progress)
        self.ration = ration
        self.loan: SyncLoan | None = None
        total = ration.total
        self._alarm = None if total is None else Alarm(total, _stream_of(exchange := ref(self)), _is_gone(exchange))

    def explain(self, error: Exception, content: Content | None = None) -> StableHTTPError:
        """Our error for what went wrong, with the request that it is about."""
        if self._alarm is not None and self._alarm.struck:
            error = self.progress.late("total")
        return super().explain(error, content)

    def check_end(self) -> None:
        """Make sure that the connection did not end because the time was up.

        Raises:
            OutOfTimeError: it did.
        """
        if self._alarm is not None:
            self._alarm.check()

    def end(self, error: BaseException | None = None) -> None:
        """Give the transport back, once; with an error, as one that is not to be used again."""
        if self._alarm is not None:
            self._alarm.rest()
        loan, self.loan = self.loan, None
        if loan is not None:
            loan.end(self.progress, error)


def _stream_of(exchange: ref[SyncExchange]) -> Callable[[], object]:
    """Where the network stream of an exchange is found that nobody is to keep alive."""

    def find() -> object:
        here = exchange()
        if here is None:
            return None
        loan = here.loan
        return here.progress.stream or (None if loan is None else loan.stream)

    return find


def _is_gone(exchange: ref[SyncExchange]) -> Callable[[], bool]:
    return lambda: exchange() is None
