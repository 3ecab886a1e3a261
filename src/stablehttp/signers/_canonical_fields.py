"""The canonical form of a header section, and which fields stay out of it.

Floor 2: stands on errors.

Lines of one name are joined by a comma in their order, never quoted: joining for a signer is not
joining for a reader.  Runs of spaces and tabs count as one space and the ends are trimmed, as
verifying servers do.  Values are octets read as Latin-1, the way a field section holds them.

This is the hot half of signing: one search through the joined lines tells sooner than a look at each
value that nothing needs tidying.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from stablehttp._errors import SigningError

UNSIGNED_FIELDS: Final = frozenset(
    [
        # of one connection only (RFC 9110 §7.6.1): any hop may change them
        *("connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        *("proxy-authenticate", "proxy-authentication-info", "proxy-authorization", "proxy-connection"),
        *("proxy-features", "proxy-instruction", "proxy-status"),
        # rewritten by clients, or appended to by proxies and tracers
        *("accept-encoding", "user-agent", "x-amzn-trace-id", "baggage", "traceparent", "tracestate"),
        *("forwarded", "max-forwards", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"),
        # set by the signer itself
        "authorization",
    ]
)
"""Fields that may change on their way, in lower case: not signed unless asked for by name."""

_UNTIDY = re.compile(r" (?:[ \n]|(?<=: ))").search  # begins with a literal, so that it runs at the speed of memchr
_BLANKS = re.compile(r"[ \t]+").sub


def merge_fields(fields: Iterable[tuple[str, str]], left_out: frozenset[str]) -> dict[str, str]:
    """Give one value for each lower-case name but those left out, lines joined by commas in their order."""
    merged: dict[str, str] = {}
    for line_name, value in fields:
        name = line_name.lower()
        if name in left_out:
            continue
        merged[name] = f"{_tidied(merged[name])},{_tidied(value)}" if name in merged else value
    return merged


def canonical_fields(merged: dict[str, str]) -> tuple[str, str]:
    """Give the canonical lines, each ended by a line feed, and the names joined by semicolons.

    Raises:
        SigningError: a name or a value holds a line feed and would be read as two lines.
    """
    names = sorted(merged)
    lines = "\n".join([f"{name}:{merged[name]}" for name in names]) + "\n"
    if _UNTIDY(lines) or "\t" in lines:
        lines = "\n".join([f"{name}:{_tidied(merged[name])}" for name in names]) + "\n"
    if lines.count("\n") != len(names):
        raise _line_feed_error(merged)
    return lines, ";".join(names)


def _tidied(value: str) -> str:
    return _BLANKS(" ", value).strip(" ")


def _line_feed_error(merged: dict[str, str]) -> SigningError:
    name = next(name for name, value in merged.items() if "\n" in name + value)
    return SigningError(f"field {name!r} holds a line feed, which cannot be sent or signed; remove it")
