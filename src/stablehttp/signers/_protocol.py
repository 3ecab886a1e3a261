"""What every signer takes and gives: strings in, changes out.

Floor 2: stands on nothing but the standard library.

A signer never sees a message.  It is given the strings that will stand on the wire and says which
of them to change; whoever holds the message applies the changes, in the order target, `remove`,
`set`.  So a signer is a pure function of its arguments, and signing again gives fresh fields
instead of a second copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, final


@final
@dataclass(slots=True, kw_only=True)  # made for every signature, and freezing it costs as much as making it (measured)
class SigningChanges:
    """What a signer wants changed, and what it relies on from then on.

    `target` is a new request target, or None to leave it.  `remove` names fields, in lower case, of
    which all lines go first; each line of `set` then goes in once.  `covered` holds the lower-case
    names of the fields that the signature covers, and `@method`, `@authority`, `@request-target`
    and `@content` where it covers those.  `signature` is the signature alone, for what continues
    from it: a chain of signed chunks or events.
    """

    target: str | None = None
    remove: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    covered: frozenset[str] = frozenset()
    signature: str = ""

    def __repr__(self) -> str:
        names = ", ".join(name for name, _ in self.set)
        return f"<SigningChanges removes {len(self.remove)} fields, sets {names or 'none'}>"


class Signer(Protocol):
    """Signs a request that is complete but for the signature."""

    @property
    def name(self) -> str:
        """What to call this signer in messages: `SigV4`."""
        ...

    @property
    def content_digest(self) -> str | None:
        """The `hashlib` name of the digest of the content that `sign` needs, or None."""
        ...

    def sign(
        self,
        method: str,
        origin: str,
        target: str,
        fields: Iterable[tuple[str, str]],
        *,
        content_digest: str | None = None,
        now: datetime,
    ) -> SigningChanges:
        """Sign the request that these strings will be on the wire.

        `origin` is scheme and authority, `target` is what will stand on the request line, `fields`
        are the final lines in order, `content_digest` is the digest of the content in lower-case
        hexadecimal (None if it cannot be known beforehand), and `now` is an aware time.

        Raises:
            SigningError: what was given cannot be signed; nothing was changed.
        """
        ...
