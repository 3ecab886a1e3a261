"""What must not be shown: the names of secrets, and text with the secrets taken out.

Floor 0: stands on nothing.

Everything that this library prints of a message goes through here: `repr`, errors, the command line.
"""

from __future__ import annotations

import re
from typing import Final

SECRET_FIELDS: Final = frozenset(
    {
        "authorization", "proxy-authorization", "cookie", "set-cookie", "cookie2", "set-cookie2", "x-api-key",
        "api-key", "apikey", "x-auth-token", "x-access-token", "x-csrf-token", "x-xsrf-token", "authentication-info",
        "proxy-authentication-info", "x-amz-security-token", "x-amz-s3session-token", "x-goog-iam-authorization-token",
        "x-goog-api-key", "x-ms-authorization-auxiliary", "x-functions-key", "ocp-apim-subscription-key",
        "x-vault-token", "x-gitlab-token", "private-token", "x-github-token", "x-shopify-access-token",
        "x-amz-server-side-encryption-customer-key", "x-amz-server-side-encryption-customer-key-md5",
        "x-amz-copy-source-server-side-encryption-customer-key",
        "x-amz-copy-source-server-side-encryption-customer-key-md5", "x-goog-encryption-key",
        "x-ms-encryption-key", "signature",
    }
)  # fmt: skip
"""Lower-case names of fields whose values are secrets without being marked."""

CREDENTIAL_FIELDS: Final = SECRET_FIELDS - {"set-cookie", "set-cookie2"}
"""Lower-case names of fields that are dropped when a request is aimed at another origin."""

SECRET_PARAMETERS: Final = frozenset(
    {
        "x-amz-signature", "x-amz-security-token", "x-amz-credential", "x-goog-signature", "x-goog-credential",
        "signature", "awsaccesskeyid", "googleaccessid", "sig", "token", "access_token", "refresh_token", "id_token",
        "api_key", "apikey", "api-key", "key", "client_secret", "secret", "password", "passwd", "code", "auth",
        "oauth_token", "oauth_signature", "se-token", "sas", "session", "sessionid", "jwt", "key-pair-id", "policy",
    }
)  # fmt: skip
"""Lower-case names of query parameters whose values are secrets."""

_URI_FIELDS: Final = frozenset({"location", "content-location", "referer", "link", "refresh", "x-amz-copy-source"})

HIDDEN: Final = "***"
_LONGEST: Final = 120

_PARAMETER = re.compile(r"([?&;]|^)([^=&;?#]*)=([^&;#]*)")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_USERINFO = re.compile(r"(//)[^/?#@\s]*(?:@[^/?#@\s]*)*@")


def is_secret_field(name: str) -> bool:
    """Whether values of the field `name`, in any case, are secrets without being marked."""
    return name.lower() in SECRET_FIELDS


def shorten(text: str, longest: int = _LONGEST) -> str:
    """`text`, or its beginning and how many characters are left out."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def redact_query(query: str) -> str:
    """`query` with the values of secret parameters replaced by `***`; names and order stay."""
    return _PARAMETER.sub(_hide_parameter, query) if query else query


def redact_uri(text: str) -> str:
    """The URI or reference `text` with userinfo and the values of secret parameters replaced by `***`."""
    if "@" in text:
        text = _USERINFO.sub(rf"\1{HIDDEN}@", text, count=1)
    head, mark, rest = text.partition("?")
    query, fragment_mark, fragment = rest.partition("#")
    return f"{head}{mark}{redact_query(query)}{fragment_mark}{redact_query(fragment)}"


def show_value(name: str, value: str, *, secret: bool = False) -> str:
    """What `repr` shows for one field line's value: hidden if it is secret, shortened if it is long."""
    if secret or is_secret_field(name):
        return f"<secret, {len(value)} characters>"
    if name.lower() in _URI_FIELDS:
        value = redact_uri(value)
    return repr(shorten(str(value)))


def _hide_parameter(found: re.Match[str]) -> str:
    start, name, value = found.groups()
    plain = _ESCAPE.sub(lambda octet: chr(int(octet[1], 16)), name) if "%" in name else name
    hidden = value and plain.strip().lower() in SECRET_PARAMETERS
    return f"{start}{name}={HIDDEN if hidden else value}"
