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
        "oauth_token", "oauth_signature", "se-token", "sas", "session", "sessionid", "jsessionid", "jwt",
        "key-pair-id", "policy",
    }
)  # fmt: skip
"""Lower-case names of query parameters whose values are secrets."""

_URI_FIELDS: Final = frozenset({"location", "content-location", "referer", "link", "refresh", "x-amz-copy-source"})

HIDDEN: Final = "***"
_LONGEST: Final = 120
_DEEPEST: Final = 3
"""How often a value may be encoded before it is hidden unread."""

_PARAMETER = re.compile(r"(?:^|[;?])([^=;?]*)=(?=.)", re.DOTALL)
_PATH_PARAMETERS = re.compile(r";[^/]*")
_MAY_HOLD_MORE = re.compile(r"%(?:3[Dd]|25|40)").search
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
# up to the last `@` of the authority; where the port is none, up to the last of all: a password may hold `/?#`
_USERINFO = re.compile(r"(?<=//)(?:[^/?#]*@|[^/?#\[]*:(?![0-9]*(?:[/?#]|\Z)).*@)", re.DOTALL)
_BEGINNING = re.compile(r"https?://", re.IGNORECASE)
_END_OF_PATH = re.compile(r"[?#;]")
_NO_PORT = re.compile(r"(?<=//)([^/]*?:)(?![0-9]*(?:/|\Z))[^/]*")


def is_secret_field(name: str) -> bool:
    """Whether values of the field `name`, in any case, are secrets without being marked."""
    return name.lower() in SECRET_FIELDS


def shorten(text: str, longest: int = _LONGEST) -> str:
    """`text`, or its beginning and how many characters are left out."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def described(value: object) -> str:
    """What an error shows of something that should have been a number: a number as it is, of all else the type."""
    return repr(value) if type(value) in (int, float, bool) else type(value).__name__


def redact_query(query: str) -> str:
    """`query` with the values of secret parameters replaced by `***`; names and order stay."""
    return _redact_query(query, 0)


def redact_uri(text: str) -> str:
    """The URI or reference `text` with userinfo and the values of secret parameters replaced by `***`."""
    return _redact_uri(text, 0)


def show_uri(text: str, longest: int = 80) -> str:
    """What an error shows of a URI that may be wrong anywhere: no query, no fragment, nothing that may be userinfo."""
    before, at, rest = text.rpartition("@")
    shown = _END_OF_PATH.split(rest, maxsplit=1)[0]
    if at:
        beginning = _BEGINNING.match(before)
        shown = f"{beginning[0] if beginning else ''}{HIDDEN}@{shown}"
    return shorten(_NO_PORT.sub(rf"\1{HIDDEN}", shown), longest)


def show_value(name: str, value: str, *, secret: bool = False) -> str:
    """What `repr` shows for one field line's value: hidden if it is secret, shortened if it is long."""
    if secret or is_secret_field(name):
        return f"<secret, {len(value)} characters>"
    return repr(shorten(redact_value(name, str(value))))


def redact_value(name: str, value: str) -> str:
    """A value that is no secret, without those of the URI that it holds, if the field `name` holds one."""
    return redact_uri(value) if name.lower() in _URI_FIELDS else value


def _redact_uri(text: str, depth: int) -> str:
    if "@" in text:
        text = _USERINFO.sub(f"{HIDDEN}@", text)
    if "=" not in text:
        return text
    text, fragment_mark, fragment = text.partition("#")
    path, mark, query = text.partition("?")
    if ";" in path:
        path = _PATH_PARAMETERS.sub(lambda found: _redact_parameter(found[0], depth), path)
    return f"{path}{mark}{_redact_query(query, depth)}{fragment_mark}{_redact_query(fragment, depth)}"


def _redact_query(query: str, depth: int) -> str:
    if "=" not in query:
        return query
    return "&".join([_redact_parameter(parameter, depth) for parameter in query.split("&")])


def _redact_parameter(parameter: str, depth: int) -> str:
    """One parameter; where `;` or `?` may begin another, as some receivers read it, that is looked at too."""
    for found in _PARAMETER.finditer(parameter):
        if _is_secret_parameter(found[1]):
            return f"{parameter[: found.end()]}{HIDDEN}"
    if "%" in parameter:
        name, _, value = parameter.partition("=")
        if _holds_secret(value, depth):
            return f"{name}={HIDDEN}"
    return parameter


def _holds_secret(value: str, depth: int) -> bool:
    """Whether `value` is a URI with secrets of its own, perhaps encoded more than once."""
    if not _MAY_HOLD_MORE(value):
        return False
    inner = _decoded(value)
    return depth == _DEEPEST or _redact_uri(inner, depth + 1) != inner or _holds_secret(inner, depth + 1)


def _is_secret_parameter(name: str) -> bool:
    plain = _decoded(name).replace("+", " ").strip().lower()
    return plain.rstrip("]").rpartition("[")[2] in SECRET_PARAMETERS  # `a[sig]` is a parameter of a parameter


def _decoded(text: str) -> str:
    return _ESCAPE.sub(lambda octet: chr(int(octet[1], 16)), text) if "%" in text else text
