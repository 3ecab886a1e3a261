"""What the memory connector answers: rules, replies, and why a rule did not match.

Stands on messages and errors.

A `Rule` is plain data and can be given to any number of connectors; how often it was used is known
to the `Rulebook` of each connector.  Nothing here shows a field value or a query.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TypeAlias, cast, final

from stablehttp._body import Body, BytesBody
from stablehttp._errors import MisuseError, StableHTTPError
from stablehttp._fields import Fields, LinesInput
from stablehttp._message import AnyRequest, Request
from stablehttp._redaction import shorten
from stablehttp._response import Response
from stablehttp._uri import URI


class UnmatchedRequestError(MisuseError):
    """No rule of a memory connector answers the request; `reasons` says for each rule why it does not."""

    reasons: Sequence[str] = ()


class UnusedRuleError(MisuseError, AssertionError):
    """Rules of a memory connector were not used as often as they were meant to be; `rules` describes them."""

    rules: Sequence[str] = ()


Respond: TypeAlias = Callable[[Request[BytesBody]], Response[Body] | StableHTTPError]
"""Decides on the reply when all of the request has arrived; its content is `request.body.content`."""

RespondEarly: TypeAlias = Callable[[AnyRequest], Response[Body] | StableHTTPError]
"""Decides on the reply when the head of the request has arrived; nothing of its body has been read."""


@final
@dataclass(frozen=True, slots=True)
class Early:
    """A reply that does not wait for the request's content.

    A callable gets the request with its live body, and may use that as the body of the response: this is
    an echo in both directions at once.  What it leaves unread is never read, and the body is closed
    when the response is.
    """

    reply: Response[Body] | StableHTTPError | RespondEarly


Reply: TypeAlias = Response[Body] | StableHTTPError | Respond | Early


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """Which requests get which reply; what is not given matches everything.

    `reply` is a response (given anew each time), an error to raise, a callable that decides, `Early`
    around one of these, or a sequence of them, each used once, in order.  `origin` is compared without
    regard to case and default port, `target` and `path` are compared octet by octet.  Each of `fields`
    must be one of the request's lines.  `times` says how often one reply is given; None sets no bound.
    `delay` is for how many seconds the peer is silent before it answers: no time passes, but timeouts
    that are shorter run out.  `interim` are 1xx responses that come before the final one.

    Raises:
        MisuseError: `times` was given for a sequence, or is not positive.
        InvalidMessageError: `origin` or `fields` are invalid.
    """

    reply: Reply | Sequence[Reply]
    _: KW_ONLY
    method: str | None = None
    origin: str | None = None
    target: str | None = None
    path: str | None = None
    fields: LinesInput = ()
    predicate: Callable[[AnyRequest], bool] | None = None
    times: int | None = None
    delay: float = 0.0
    interim: Sequence[Response[Body]] = ()

    def __post_init__(self) -> None:
        if self.times is not None and (self._sequence is not None or self.times < 1):
            raise MisuseError("times must be at least 1, and is for one reply; each reply of a sequence is used once")
        if self.origin is not None:
            object.__setattr__(self, "origin", URI(self.origin).origin)
        object.__setattr__(self, "fields", Fields(self.fields))

    @property
    def replies(self) -> int | None:
        """How many requests it answers; None if there is no bound."""
        return self.times if self._sequence is None else len(self._sequence)

    def reply_number(self, number: int) -> Reply:
        """The reply for the request with this number, counted from 0."""
        return cast("Reply", self.reply) if self._sequence is None else self._sequence[number]

    @property
    def _sequence(self) -> Sequence[Reply] | None:
        reply: object = self.reply
        return cast("Sequence[Reply]", reply) if isinstance(reply, Sequence) else None

    def mismatch(self, request: AnyRequest) -> str | None:
        """Why `request` is none of those that this rule answers, in words; None if it is one."""
        uri = request.uri
        if self.method is not None and request.method != self.method:
            return f"the method is {shorten(request.method)}"
        if self.origin is not None and uri.origin != self.origin:
            return f"the origin is {uri.origin}"
        if self.path is not None and uri.path != self.path:
            return "the path differs"
        if self.target is not None and uri.target != self.target:
            same_path = uri.path == self.target.partition("?")[0]
            return "the query differs" if same_path else "the target differs"
        for name, value in Fields(self.fields):
            values = request.headers.values(name)
            if value not in values:
                return f"field {name!r} has another value" if values else f"field {name!r} is missing"
        if self.predicate is not None and not self.predicate(request):
            return "the predicate says no"
        return None

    def __str__(self) -> str:
        """Which requests it is for, without field values and query."""
        where = (self.origin or "") + (self.path or (self.target or "").partition("?")[0])
        words = [self.method or "any method", shorten(where) or "anywhere"]
        words += [f"with {name}" for name in Fields(self.fields).keys()]  # noqa: SIM118 (each name once)
        if self.predicate is not None:
            words.append(f"if {getattr(self.predicate, '__name__', 'predicate')}")
        return " ".join(words)


@final
class Rulebook:
    """The rules of one connector and how often each was used; usable from any thread."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules: list[Rule] = []
        self._used: list[int] = []
        self._lock = threading.Lock()
        self.extend(rules)

    def extend(self, rules: Iterable[Rule]) -> None:
        """Add rules behind those that are there."""
        with self._lock:
            for rule in rules:
                self._rules.append(rule)
                self._used.append(0)

    def take(self, request: AnyRequest) -> tuple[Rule, Reply]:
        """The first rule that answers `request`, used once more, and its reply.

        Raises:
            UnmatchedRequestError: there is none.
        """
        reasons: list[str] = []
        with self._lock:
            for number, rule in enumerate(self._rules):
                reason = rule.mismatch(request)
                if reason is None and rule.replies == self._used[number]:
                    reason = f"it answered {self._used[number]} already, as often as it was to"
                if reason is None:
                    used = self._used[number]
                    self._used[number] = used + 1
                    return rule, rule.reply_number(used)
                reasons.append(f"{number + 1}. {rule}: {reason}")
        raise _unmatched(request, reasons)

    def check_all_used(self) -> None:
        """Make sure that each rule was used: as often as it could be if there is a bound, else at least once.

        Raises:
            UnusedRuleError: one was not.
        """
        with self._lock:
            unused = [
                f"{number + 1}. {rule}: used {used} of {rule.replies or 'any number of'} times"
                for number, (rule, used) in enumerate(zip(self._rules, self._used, strict=True))
                if used < (1 if rule.replies is None else rule.replies)
            ]
        if unused:
            raise UnusedRuleError(
                "rules of the memory connector were not used as expected:" + _listed(unused), rules=unused
            )


def _unmatched(request: AnyRequest, reasons: Sequence[str]) -> UnmatchedRequestError:
    told = _listed(reasons) if reasons else " it has no rules; add one"
    return UnmatchedRequestError(
        f"no rule of the memory connector answers {request.method} {request.uri.origin}"
        f"{shorten(request.uri.path)}:{told}",
        reasons=tuple(reasons),
    )


def _listed(lines: Iterable[str]) -> str:
    return "".join(f"\n  {line}" for line in lines)
