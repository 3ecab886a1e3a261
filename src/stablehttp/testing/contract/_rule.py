"""What a rule is, and how it says that it was broken.

Stands on capabilities and errors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeAlias, TypeVar, final

from stablehttp._capability import Capability
from stablehttp._errors import StableHTTPError, UnsupportedTransportError
from stablehttp._http_version import HttpVersion
from stablehttp._redaction import shorten

if TYPE_CHECKING:
    from stablehttp.testing.contract._bench import Bench

E = TypeVar("E", bound=BaseException)

BOTH: Final = (HttpVersion.HTTP_1_1, HttpVersion.HTTP_2)
HTTP_1: Final = (HttpVersion.HTTP_1_1,)
HTTP_2: Final = (HttpVersion.HTTP_2,)

Check: TypeAlias = "Callable[[Bench], Awaitable[None]]"


class BrokenRuleError(StableHTTPError, AssertionError):
    """A connector does not keep a rule of the contract."""


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """Something that every connector does, in words and as a check.

    `proves` names requirements.  With `needs`, a connector that declares this capability has to pass the check, and
    any other has to refuse the request before the origin sees an octet of it; `otherwise` replaces that
    second half where there is nothing to refuse beforehand.  `colour` "async" leaves synchronous connectors out, and
    `lent` those for which no client can be lent.
    """

    id: str
    check: Check
    proves: str = ""
    _: KW_ONLY
    needs: Capability | None = None
    otherwise: Check | None = None
    versions: tuple[HttpVersion, ...] = BOTH
    colour: Literal["async"] | None = None
    lent: bool = False

    def is_about(self, version: HttpVersion, colour: str, *, lendable: bool) -> bool:
        """Whether it has something to say about such a connector."""
        return version in self.versions and self.colour in (None, colour) and (lendable or not self.lent)

    def __str__(self) -> str:
        return self.id


def same(got: object, wanted: object, what: str) -> None:
    """Make sure that two things are equal.

    Raises:
        BrokenRuleError: they are not.
    """
    if got != wanted:
        raise BrokenRuleError(f"{what}: {shorten(repr(wanted), 800)} was expected, and {shorten(repr(got), 800)} found")


def require(holds: object, what: str) -> None:
    """Make sure that something is true.

    Raises:
        BrokenRuleError: it is not; `what` says what should have been.
    """
    if not holds:
        raise BrokenRuleError(what)


@final
class Caught(Generic[E]):
    """The error that a block raised."""

    error: E


@contextmanager
def fails(kind: type[E], *others: type[E]) -> Generator[Caught[E], None, None]:
    """Make sure that the block raises an error of this class, or of one of `others`.

    Raises:
        BrokenRuleError: it raises another one, or none.
        UnsupportedTransportError: the connector refused; whether it may is not decided here.
    """
    wanted = " or ".join(each.__name__ for each in (kind, *others))
    caught: Caught[E] = Caught()
    try:
        yield caught
    except (kind, *others) as error:
        caught.error = error
    except (BrokenRuleError, UnsupportedTransportError):
        raise
    except Exception as error:
        raise BrokenRuleError(f"{wanted} was expected, and {type(error).__name__} raised: {error}") from error
    else:
        raise BrokenRuleError(f"{wanted} was expected, and nothing raised")
