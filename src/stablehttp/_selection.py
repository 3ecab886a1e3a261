"""Choosing a connector, and making it no earlier than needed.

Floor 10: stands on makers and on what connectors declare.

The choosing is one generator: it asks makers in a fixed order, yields a question where a connector has to
be made, and takes the answer.  So both colours and the explanation, which makes nothing, follow the
same path.  What is installed is found through entry points that lead to client-free modules: asking
imports no client, and installing a package never changes which connector sends.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Final, TypeAlias, cast, final

from stablehttp._connectors import AnyMaker, AsyncConnector, MakeFunction, SyncConnector
from stablehttp._errors import MissingExtraError, NoConnectorError, UnsupportedTransportError
from stablehttp._http_version import HttpVersion
from stablehttp._makers import Maker
from stablehttp._requirements import ConnectorRequirements
from stablehttp._support import shortcoming

ENTRY_POINTS: Final = "stablehttp.connectors"
_DEFAULT: Final = "h11"
_PREFERRED: Final = {"crt": 1, "httpx": 2, "httpx2": 3, "aiohttp": 4, "pyqwest": 5}
_WOULD_DO: Final = "would do"
_CANNOT_TELL: Final = "can only be asked by making a connector"
_NOT_MADE: Final = object()


def installed_makers() -> Mapping[str, str]:
    """The modules in which installed adapters offer their makers, by the adapter's name; none is imported."""
    from importlib.metadata import entry_points  # takes as long to load as all the rest; only needed here

    return {point.name: point.module for point in sorted(entry_points(group=ENTRY_POINTS))}


# --- the order in which makers are asked --------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Candidate:
    """A maker under the name that errors call it; `against` is a reason not to ask it at all."""

    name: str
    maker: AnyMaker
    against: str | None = None

    def why_not(self, requirements: ConnectorRequirements) -> str | None:
        """Why it would decline, if it can tell without making anything."""
        maker: object = self.maker
        if self.against is not None:
            return self.against
        return cast("Maker[object]", maker).why_not(requirements) if isinstance(maker, Maker) else None


@final
@dataclass(frozen=True, slots=True)
class Group:
    """Makers that are asked together, and the first that offers something wins.

    `alone` says that only one may be able to, and names the function that a caller who has to choose calls.
    """

    candidates: tuple[Candidate, ...]
    alone: MakeFunction | None = None


def groups_of(makers: Iterable[AnyMaker]) -> tuple[Group, ...]:
    """Makers in the order in which they were given."""
    return (Group(tuple(Candidate(_name(maker), maker) for maker in makers)),)


def installed_groups(function: MakeFunction, requirements: ConnectorRequirements) -> tuple[Group, ...]:
    """The embedded connector, and then whatever is installed, if there is no choice to be made.

    Where HTTP/2 is wanted more, duplex streaming is left to others: over HTTP/1.1 not every server is willing.
    """
    better = requirements.duplex and requirements.versions[0] is not HttpVersion.HTTP_1_1
    against = "leaves duplex streaming to HTTP/2, which is wanted more" if better else None
    candidates = _installed(function)
    first = [candidate for candidate in candidates if candidate.name == _DEFAULT]
    others = [candidate for candidate in candidates if candidate.name != _DEFAULT]
    return Group(tuple(replace(each, against=against) for each in first)), Group(tuple(others), function)


def _installed(function: MakeFunction) -> list[Candidate]:
    found: list[Candidate] = []
    for name, module in installed_makers().items():
        maker: AnyMaker | None = getattr(import_module(module), function, None)
        if maker is not None:
            found.append(Candidate(name, maker))
    return found


def _name(maker: AnyMaker) -> str:
    if isinstance(maker, Maker):
        return maker.name
    return str(getattr(maker, "__qualname__", type(maker).__name__))


# --- choosing -----------------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Question:
    """A maker that has to be called, since nothing speaks against it."""

    candidate: Candidate
    requirements: ConnectorRequirements


@final
@dataclass(slots=True)
class Answer:
    """What came of a question: what was made, or why it was not."""

    made: object = None
    reason: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which connector would be chosen, over which protocol version, and what each of the others lacks.

    `name` is None where none would be: `reasons` say for each maker why.
    """

    name: str | None = None
    version: HttpVersion | None = None
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])


Choosing: TypeAlias = Generator[Question, Answer, tuple[Choice, object]]


def choosing(groups: Sequence[Group], requirements: ConnectorRequirements) -> Choosing:
    """Ask for the best protocol version first, in each group; yield what has to be made, return what was chosen.

    Raises:
        NoConnectorError: none meets the requirements, or several do where only one may.
    """
    reasons: dict[str, str] = {}
    for group in groups:
        candidates = group.candidates
        if group.alone is not None:
            candidates = _only(candidates, group.alone, requirements, reasons)
        for version, offered in rounds(requirements.versions):
            for candidate in candidates:
                answer = yield from _ask(candidate, requirements, version, offered)
                if answer.reason is None:
                    return Choice(name=candidate.name, version=version, reasons=reasons), answer.made
                _note(reasons, candidate.name, answer.reason)
    raise _nothing(requirements, reasons)


def rounds(versions: Sequence[HttpVersion]) -> Iterator[tuple[HttpVersion, tuple[HttpVersion, ...]]]:
    """Each protocol version in turn, with those that a connector may speak then: itself, and older ones that follow.

    TLS agrees on the newest that both peers speak, so a newer one is offered only where it is wanted more.
    """
    for place, version in enumerate(versions):
        yield version, (version, *(other for other in versions[place + 1 :] if other < version))


def _ask(
    candidate: Candidate, requirements: ConnectorRequirements, version: HttpVersion, offered: tuple[HttpVersion, ...]
) -> Generator[Question, Answer, Answer]:
    reason = candidate.why_not(replace(requirements, versions=(version,)))
    if reason is not None:
        return Answer(reason=reason)
    answer = yield Question(candidate, replace(requirements, versions=offered))
    if answer.reason is not None or answer.made is None:
        return Answer(reason=answer.reason or "declined")
    if answer.made is _NOT_MADE:
        return answer
    return Answer(answer.made, shortcoming(answer.made, version, offered, requirements.needs))


def _only(
    candidates: tuple[Candidate, ...],
    function: MakeFunction,
    requirements: ConnectorRequirements,
    reasons: dict[str, str],
) -> tuple[Candidate, ...]:
    able = [candidate for candidate in candidates if _might(candidate, requirements)]
    if len(able) > 1:
        names = ", ".join(candidate.name for candidate in able)
        raise NoConnectorError(
            f"several connectors would do ({names}), and none is preferred by itself; make one and pass it on: "
            f"connector=stablehttp_{able[0].name}.{function}(requirements)",
            wanted=_words(requirements),
            reasons={**reasons, **dict.fromkeys([candidate.name for candidate in able], _WOULD_DO)},
        )
    return tuple(able) or candidates


def _might(candidate: Candidate, requirements: ConnectorRequirements) -> bool:
    alone = (replace(requirements, versions=(version,)) for version in requirements.versions)
    return any(candidate.why_not(each) is None for each in alone)


def _note(reasons: dict[str, str], name: str, reason: str) -> None:
    known = reasons.get(name)
    reasons[name] = reason if known in (None, reason) else f"{known}, {reason}"


def _nothing(requirements: ConnectorRequirements, reasons: dict[str, str]) -> NoConnectorError:
    told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items()) or "there is no maker"
    needs = ", ".join(sorted(need.value for need in requirements.needs))
    return NoConnectorError(
        f"no connector speaks {' or '.join(_words(requirements))}{f' with {needs}' if needs else ''} as required "
        f"({told}); install stablehttp[all], or require less",
        wanted=_words(requirements),
        reasons=reasons,
    )


def _words(requirements: ConnectorRequirements) -> list[str]:
    return [version.value for version in requirements.versions]


# --- answering ----------------------------------------------------------------------------------


@contextmanager
def answering() -> Generator[Answer]:
    """An answer to be filled in the block; what a maker says about its client or its settings becomes the reason."""
    answer = Answer()
    try:
        yield answer
    except (MissingExtraError, UnsupportedTransportError) as error:
        answer.reason = str(error)


def choose(groups: Sequence[Group], requirements: ConnectorRequirements) -> object:
    """What the first maker in order makes for `requirements`.

    Raises:
        NoConnectorError: none meets them, or several do where only one may.
    """
    steps = choosing(groups, requirements)
    try:
        question = next(steps)
        while True:
            with answering() as answer:
                answer.made = question.candidate.maker(question.requirements)
            question = steps.send(answer)
    except StopIteration as end:
        _, made = cast("tuple[Choice, object]", end.value)
        return made


def explain_choice(
    requirements: ConnectorRequirements | None = None,
    *,
    makers: Iterable[AnyMaker] | None = None,
    function: MakeFunction = "make_connector",
) -> Choice:
    """Which connector would be chosen for `requirements`, and why no other, without making one or any I/O.

    Without `makers` it is about what is installed, as `make_connector` (or another `function`) chooses.
    """
    wanted = requirements or ConnectorRequirements()
    groups = installed_groups(function, wanted) if makers is None else groups_of(makers)
    asked: list[Candidate] = []
    steps = choosing(groups, wanted)
    try:
        asked.append(next(steps).candidate)
        steps.send(Answer(_NOT_MADE))
    except StopIteration as end:
        choice, _ = cast("tuple[Choice, object]", end.value)
        told = {each.name: _CANNOT_TELL for each in asked if not isinstance(each.maker, Maker)}
        return replace(choice, reasons={**choice.reasons, **told})
    except NoConnectorError as error:
        return Choice(reasons=error.reasons)
    raise AssertionError("the first maker that does not decline is chosen")


# --- the default --------------------------------------------------------------------------------


def make_connector(requirements: ConnectorRequirements | None = None) -> AsyncConnector:
    """A connector that meets `requirements`: h11 if it does, else the one installed adapter that does.

    Raises:
        NoConnectorError: none meets them, or several do and none may be preferred by itself.
    """
    wanted = requirements or ConnectorRequirements()
    return cast(AsyncConnector, choose(installed_groups("make_connector", wanted), wanted))


def make_sync_connector(requirements: ConnectorRequirements | None = None) -> SyncConnector:
    """A synchronous connector that meets `requirements`; chosen as `make_connector` does.

    Raises:
        NoConnectorError: none meets them, or several do and none may be preferred by itself.
    """
    wanted = requirements or ConnectorRequirements()
    return cast(SyncConnector, choose(installed_groups("make_sync_connector", wanted), wanted))


def best_available(requirements: ConnectorRequirements | None = None) -> AsyncConnector:
    """A connector that meets `requirements`, whichever adapter that takes: the first of these.

    h11, crt, httpx, httpx2, aiohttp, pyqwest, then others by name.
    The best protocol version goes before this order.

    Raises:
        NoConnectorError: none meets them.
    """
    ranked = sorted(_installed("make_connector"), key=lambda each: (_rank(each.name), each.name))
    return cast(AsyncConnector, choose([Group(tuple(ranked))], requirements or ConnectorRequirements()))


def _rank(name: str) -> int:
    return 0 if name == _DEFAULT else _PREFERRED.get(name, len(_PREFERRED) + 1)
