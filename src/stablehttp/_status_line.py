"""The status line of a response: version, status and reason phrase (RFC 9112 §4).

Floor 2: stands on protocol versions, redaction and errors.
"""

from __future__ import annotations

import re

from stablehttp._errors import InvalidMessageError, InvalidStatusError
from stablehttp._http_version import HttpVersion
from stablehttp._redaction import described

_BAD_IN_REASON = re.compile(r"[\x00\r\n]|[^\x00-\xff]").search


def checked_status(status: object) -> int:
    """`status`, which is an integer from 100 to 999.

    Raises:
        InvalidStatusError: it is something else.
    """
    if type(status) is not int or not 100 <= status <= 999:
        raise InvalidStatusError(f"a status is an integer from 100 to 999 (RFC 9110 §15), not {described(status)}")
    return status


def checked_reason(reason: object) -> str:
    """`reason` as a plain `str`, whose characters stand for one octet each (Latin-1).

    Raises:
        InvalidMessageError: it is no `str`, or holds NUL, CR, LF or a character above U+00FF.
    """
    if type(reason) is str and reason.isascii() and reason.isprintable():
        return reason
    if not isinstance(reason, str):
        raise InvalidMessageError(f"a reason phrase must be a str, not {type(reason).__name__}")
    reason = str.__str__(reason)
    found = _BAD_IN_REASON(reason)
    if found:
        raise InvalidMessageError(
            f"reason phrase holds {found[0]!r} at index {found.start()}, which none may hold (RFC 9112 §4); remove it"
        )
    return reason


def checked_version(version: object) -> HttpVersion:
    """`version`, which is an `HttpVersion` and never its name.

    Raises:
        InvalidMessageError: it is something else.
    """
    if not isinstance(version, HttpVersion):
        raise InvalidMessageError(f"http_version must be an HttpVersion, not {type(version).__name__}")
    return version
