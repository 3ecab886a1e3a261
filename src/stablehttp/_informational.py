"""Looking at 1xx responses, which come before the final one and are never given out as it.

Floor 7: stands on responses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from stablehttp._response import AnyResponse


@final
@dataclass(frozen=True, slots=True)
class InformationalHook:
    """Has `read` called with each 1xx response, in order, while the final one is waited for (RFC 9110 §15.2).

    It travels in the extensions of a request, and needs a connector that declares `Capability.INFORMATIONAL`.
    What `read` raises ends the call, and comes out of it as it is.
    """

    read: Callable[[AnyResponse], None]
