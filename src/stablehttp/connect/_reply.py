"""What a call gives that is answered by one message.

Floor 14: stands on fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar, final

from stablehttp._fields import Fields

Out_co = TypeVar("Out_co", covariant=True)


@final
@dataclass(frozen=True, slots=True)
class ConnectReply(Generic[Out_co]):
    """The message of a call that succeeded, and the metadata before and after it."""

    message: Out_co = field(repr=False)
    headers: Fields
    trailers: Fields
