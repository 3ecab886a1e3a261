"""Rules that a client makes impossible for its connector, each with the reason.

Only what no code above the client can change stands here.  A deviation that is no longer one fails its test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stablehttp.testing.contract import Rule, Subject

DEVIATIONS: Final[Mapping[tuple[str, str], str]] = {
    ("crt", "HTTP/1.0 is reported"): "awscrt does not say which version a response has, only that of its connection",
    ("pyqwest", "the target is sent as given"): "pyqwest reads URLs as browsers do: what that would change is refused",
    ("pyqwest", "field lines are sent as given"): "lines of one name with others between them would move: refused",
    ("pyqwest", "HTTP/1.0 is reported"): "pyqwest tells HTTP/1.0 and HTTP/1.1 not apart",
    (
        "pyqwest",
        "the field lines are kept",
    ): "received lines lie in a map, those of one name together",
    (
        "pyqwest",
        "octets above 0x7F are kept, or it is said",
    ): "pyqwest gives an empty value instead",
    ("pyqwest over HTTP/2", "Host is first, and an override is sent"): "`:authority` is that of the URL: refused",
    ("pyqwest over HTTP/2", "a host is reached however it is spelled"): "`:authority` is in lower case: refused",
    ("pyqwest over HTTP/2", "HTTP/2 is not replaced by HTTP/1.1"): (
        "pyqwest begins HTTP/2 whatever TLS agreed on: the error is the right one, after octets went out"
    ),
}
"""Client, perhaps over one version only, and rule, with the reason."""


def deviation(subject: Subject, rule: Rule) -> str | None:
    """Why a connector cannot keep a rule, if it cannot."""
    everywhere = DEVIATIONS.get((subject.name, rule.id))
    return everywhere or DEVIATIONS.get((f"{subject.name} over {subject.version}", rule.id))
