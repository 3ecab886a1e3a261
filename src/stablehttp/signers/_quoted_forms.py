"""What a service quotes when it refuses a signature: its canonical request and its string to sign.

Floor 2: stands on nothing but the standard library.

S3 and its look-alikes put them into elements of an XML body, other services between quotes into a
message of JSON; and people paste the bare text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_XML = re.compile(r"<(CanonicalRequest|StringToSign)>(.*?)</\1>", re.DOTALL).findall
_MESSAGE = re.compile(
    r"The (Canonical String|String-to-Sign)\b.{0,60}?should have been\s*'(.*?)'(?=\s*(?:\n|\Z))", re.DOTALL
).findall
_ALGORITHM = re.compile(r"(?:AWS4|GOOG4)-[A-Z0-9-]+\Z").match


class QuotedForms(NamedTuple):
    """The forms that were found; None for one that was not."""

    canonical_request: str | None
    string_to_sign: str | None


def quoted_forms(text: str) -> QuotedForms:
    """Find the forms in an error body, in an error message, or as the text itself."""
    if "<" in text and (found := dict(_XML(text))):
        from html import unescape

        return _forms({name: unescape(form) for name, form in found.items()})
    if found := dict(_MESSAGE(_message(text))):
        return _forms(found)
    text = text.strip().replace("\r\n", "\n")
    if _ALGORITHM(text.partition("\n")[0]):
        return QuotedForms(None, text)
    return (
        QuotedForms(text, None)
        if text.count("\n") >= 5 and not text.startswith(("<", "{"))
        else QuotedForms(None, None)
    )


def _message(text: str) -> str:
    if not text.lstrip().startswith("{"):
        return text
    import json

    try:
        body: dict[str, object] = json.loads(text)
    except ValueError:
        return text
    return str(body.get("message") or body.get("Message") or "")


def _forms(found: dict[str, str]) -> QuotedForms:
    forms = {name: form.strip("\r\n").replace("\r\n", "\n") for name, form in found.items()}
    return QuotedForms(
        forms.get("CanonicalRequest") or forms.get("Canonical String"),
        forms.get("StringToSign") or forms.get("String-to-Sign"),
    )
