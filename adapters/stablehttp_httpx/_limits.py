"""How long each stage of an exchange may take, and what a synchronous client is told of it."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Final, Literal, Protocol, TypeAlias, TypeVar, final, overload

from stablehttp import Timeouts

Kind: TypeAlias = Literal["pool", "connect", "write", "read", "total", "drain"]
"""What is bounded; "drain" is the end of content that nobody wants."""

T = TypeVar("T")

Limits: TypeAlias = dict[Kind, float | None]

NO_TIMEOUTS: Final = Timeouts()

DRAIN_SECONDS: Final = 0.1
"""How long the rest of content that nobody wants is waited for: each time, and all in all."""


class OutOfTimeError(Exception):
    """A limit was reached; `kind` says which, and `seconds` how long it was."""

    def __init__(self, kind: Kind, seconds: float | None) -> None:
        super().__init__(f"the {kind} limit was reached")
        self.kind: Kind = kind
        self.seconds = seconds


class Clock(Protocol):
    """What is told of each stage, so that the limit of that stage counts.

    `careful` says whether a cancellation, where there is such a thing, may be held for a moment.
    """

    careful: bool

    def arm(self, kind: Kind) -> None:
        """From now on the limit called `kind` counts, beside the total."""
        ...

    def leave(self, kind: Literal["read"]) -> None:
        """From now on the client sees to the limit called `kind`; the total counts beside it."""
        ...

    def rest(self) -> None:
        """From now on the caller is waited for: only the total counts."""
        ...

    def go_on(self) -> None:
        """The client goes on with the next stage.

        Raises:
            CancelledError: the call was cancelled, and what the client stands on took that for its own doing.
        """
        ...

    def late(self, kind: Kind, *, sending: bool = False) -> OutOfTimeError:
        """What ran out when the client reports that the limit called `kind` did, perhaps while it sent."""
        ...


def limits_of(timeouts: Timeouts, connect: float | None) -> Limits:
    """All limits by their kind, in seconds."""
    return {
        "pool": timeouts.pool,
        "connect": connect,
        "write": timeouts.write,
        "read": timeouts.read,
        "total": timeouts.total,
        "drain": DRAIN_SECONDS,
    }


def only_total(limits: Limits) -> Limits:
    """The limits that are left where the client keeps all others."""
    kinds: tuple[Kind, ...] = ("pool", "connect", "write", "read")
    return {**limits, **dict.fromkeys(kinds)}


def told_to_client(limits: Limits) -> dict[str, float | None]:
    """The limits as the client takes them."""
    return {"connect": limits["connect"], "read": limits["read"], "write": limits["write"], "pool": limits["pool"]}


@final
class Asked(dict[str, float | None]):
    """The mapping of limits for a client, which tells what the client looks up: that is what it is about to do."""

    def __init__(self, asked: Callable[[str], None]) -> None:
        super().__init__()
        self._asked = asked

    @overload
    def get(self, key: str, default: None = None, /) -> float | None: ...
    @overload
    def get(self, key: str, default: float | None, /) -> float | None: ...
    @overload
    def get(self, key: str, default: T, /) -> float | T | None: ...
    def get(self, key: str, default: object = None, /) -> object:
        """The limit called `key`."""
        self._asked(key)
        return super().get(key, default)


@final
class Ration:
    """The limits of one exchange where nothing can be interrupted.

    `timeouts` is the client's own mapping, which it looks into when a stage begins.  What is left of
    the total goes in there, and it is checked between the chunks that arrive; `total` is all of it.
    """

    __slots__ = ("_limits", "_total_at", "careful", "timeouts")

    def __init__(self, limits: Limits) -> None:
        total = limits["total"]
        self._limits = limits
        self._total_at = inf if total is None else monotonic() + total
        self.careful = False
        self.timeouts: dict[str, float | None] = told_to_client(limits)
        if total is not None:
            self.timeouts = {kind: _least(seconds, total) for kind, seconds in self.timeouts.items()}

    @property
    def total(self) -> float | None:
        """How many seconds the whole exchange may take."""
        return self._limits["total"]

    def arm(self, kind: Kind) -> None:
        """The stage called `kind` begins.

        While content is sent over HTTP/2 the client reads too, where it waits for leave to send more: there
        the lesser of both limits counts.

        Raises:
            OutOfTimeError: the total is used up.
        """
        seconds = self._left(self._limits[kind])
        if kind == "write":
            self.timeouts["read"] = self._left(self._limits[self._while_sending])
        elif kind in ("read", "drain"):
            self.timeouts["read"] = seconds
        if kind != "drain":
            self.timeouts[kind] = seconds

    @property
    def _while_sending(self) -> Kind:
        read, write = self._limits["read"], self._limits["write"]
        return "write" if read is None or (write is not None and write <= read) else "read"

    def _left(self, seconds: float | None) -> float | None:
        if self._total_at == inf:
            return seconds
        self.check()
        return _least(seconds, self._total_at - monotonic())

    def leave(self, kind: Literal["read"]) -> None:
        """The same: all limits are the client's to keep."""
        self.arm(kind)

    def rest(self) -> None:
        """The caller is waited for."""

    def go_on(self) -> None:
        """Nothing can be cancelled here."""

    def late(self, kind: Kind, *, sending: bool = False) -> OutOfTimeError:
        """The total, if nothing is left of it, else the limit called `kind`, or what counts for it while sending."""
        if sending and kind == "read":
            kind = self._while_sending
        if monotonic() >= self._total_at:
            kind = "total"
        return OutOfTimeError(kind, self._limits[kind])

    def seconds(self, kind: Kind) -> float | None:
        """How long may be waited for `kind`, if nothing else is waited for."""
        return self.timeouts[kind]

    def check(self) -> None:
        """Make sure that there is time left.

        Raises:
            OutOfTimeError: the total is used up.
        """
        if self._total_at != inf and monotonic() >= self._total_at:
            raise OutOfTimeError("total", self._limits["total"])


def _least(seconds: float | None, most: float) -> float:
    return most if seconds is None else min(seconds, most)
