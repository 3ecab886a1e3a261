"""One exchange: what both its halves need until the content of the response has ended.

The connector begins an exchange and sends; the content of the response goes on with it, and ends it.
"""

from __future__ import annotations

from typing import final

from stablehttp import AnyRequest, StableHTTPError
from stablehttp_httpx2._errors import Content, translate
from stablehttp_httpx2._limits import Ration
from stablehttp_httpx2._loans import AsyncLoan, SyncLoan
from stablehttp_httpx2._progress import Progress
from stablehttp_httpx2._watch import Watch


class _Exchange:
    """Which request it is about, and how far it has come."""

    __slots__ = ("method", "origin", "progress")

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

    __slots__ = ("loan", "ration")

    def __init__(self, request: AnyRequest, progress: Progress, ration: Ration) -> None:
        super().__init__(request, progress)
        self.ration = ration
        self.loan: SyncLoan | None = None

    def end(self, error: BaseException | None = None) -> None:
        """Give the transport back, once; with an error, as one that is not to be used again."""
        loan, self.loan = self.loan, None
        if loan is not None:
            loan.end(self.progress, error)
