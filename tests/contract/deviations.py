"""Rules that a client makes impossible for its connector, each with the reason.

Only what no code above the client can change stands here.  A deviation that is no longer one fails its test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DEVIATIONS: Final[Mapping[tuple[str, str], str]] = {
    ("crt", "HTTP/1.0 is reported"): "awscrt does not say which version a response has, only that of its connection",
}
"""Client and rule, with the reason."""
