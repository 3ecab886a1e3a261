"""Components of a message, as an HTTP message signature names and reads them (RFC 9421 §2).

Floor 2: stands on parts of messages and structured fields.

A component is a field or something derived, `@method` for one, with parameters that say how to read
it.  Derived components are a table; a new one is a line in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, final
from urllib.parse import parse_qsl, quote

from stablehttp._errors import SigningError
from stablehttp.signers._message_parts import FieldLines, MessageParts, RequestParts, ResponseParts
from stablehttp.signers._structured import (
    Parameters,
    ParameterValue,
    StructuredKind,
    item_text,
    member_text,
    octets_text,
    parse_string,
    strict_text,
)

_FOLD = re.compile(r"[ \t]*\r?\n[ \t]+").sub
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_NOT_ESCAPED: Final = "*-._"
_OF_FIELDS: Final = frozenset(["sf", "bs", "key", "tr", "req"])
_OF_DERIVED: Final = frozenset(["name", "req"])


@final
@dataclass(frozen=True, slots=True)
class Component:
    """A component by name and parameters: `Component("example", {"key": "a"})`.

    Parameters are those of RFC 9421: `sf`, `bs`, `tr` and `req` with True, `key` with a string, and
    `name` for `@query-param`.
    """

    name: str
    parameters: Parameters = field(default_factory=dict[str, ParameterValue])

    @classmethod
    def parse(cls, text: str) -> Component:
        """Read a component: a plain name, or a quoted one with parameters as in `Signature-Input`."""
        return cls(*parse_string(text)) if text.startswith('"') else cls(text.lower())

    def __str__(self) -> str:
        return item_text(self.name, self.parameters)


def component_value(component: Component, message: MessageParts, structures: Mapping[str, StructuredKind]) -> str:
    """Give the value of a component as the signature base holds it.

    Raises:
        SigningError: the message has no such component, or it cannot be read in the way asked for.
    """
    derived = component.name.startswith("@")
    if not component.parameters.keys() <= (_OF_DERIVED if derived else _OF_FIELDS):
        raise _cannot(component, "has a parameter that this component cannot have")
    if component.parameters.get("req"):
        if not isinstance(message, ResponseParts) or message.request is None:
            raise _cannot(component, "is of a request that this message does not answer")
        message = message.request
    if derived:
        return _derived_value(component, message)
    lines = message.trailers if component.parameters.get("tr") else message.fields
    return _field_value(component, lines, structures)


def _derived_value(component: Component, message: MessageParts) -> str:
    match message:
        case ResponseParts():
            if component.name != "@status":
                raise _cannot(component, "is not a component of a response; add req=True for that of its request")
            return str(message.status)
        case RequestParts():
            if component.name == "@query-param":
                return _query_parameter(component, message)
            read = _DERIVED.get(component.name)
            if read is None:
                raise _cannot(component, "is not a component of a request")
            return read(message)


def _scheme(request: RequestParts) -> str:
    return request.origin.partition("://")[0].lower()


def _authority(request: RequestParts) -> str:
    hosts = [value for name, value in request.fields if name.lower() == "host"]
    authority = hosts[0].strip() if hosts else request.origin.partition("://")[2].partition("/")[0]
    authority = authority.rpartition("@")[2].lower()
    return authority.removesuffix(_DEFAULT_PORTS.get(_scheme(request), "\n"))


def _path(request: RequestParts) -> str:
    path = request.target.partition("?")[0]
    if "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path or "/"


def _query(request: RequestParts) -> str:
    return "?" + request.target.partition("?")[2]


def _target_uri(request: RequestParts) -> str:
    return request.target if "://" in request.target.partition("?")[0] else request.origin + request.target


_DERIVED: Final[Mapping[str, Callable[[RequestParts], str]]] = {
    "@method": lambda request: request.method,
    "@target-uri": _target_uri,
    "@authority": _authority,
    "@scheme": _scheme,
    "@request-target": lambda request: request.target,
    "@path": _path,
    "@query": _query,
}


def _query_parameter(component: Component, request: RequestParts) -> str:
    pairs = parse_qsl(_query(request)[1:], keep_blank_values=True)
    wanted = component.parameters.get("name")
    values = [value for name, value in pairs if _escaped(name) == wanted]
    if len(values) != 1:
        raise _cannot(component, f"stands {len(values)} times in the query, not once; cover @query instead")
    return _escaped(values[0])


def _escaped(text: str) -> str:
    return quote(text, safe=_NOT_ESCAPED).replace("~", "%7E")


def _field_value(component: Component, lines: FieldLines, structures: Mapping[str, StructuredKind]) -> str:
    name, parameters = component.name, component.parameters
    values = [_FOLD(" ", value).strip(" \t") for line_name, value in lines if line_name.lower() == name]
    if not values:
        raise _cannot(component, "is not in the message; add it, or do not cover it")
    if parameters.get("bs"):
        if "sf" in parameters or "key" in parameters:
            raise _cannot(component, "cannot be read as octets and as a structured field at once")
        return octets_text([value.encode("latin-1") for value in values])
    combined = ", ".join(values)
    if not combined.isascii() or "\n" in combined:
        raise _cannot(component, "holds octets beyond ASCII; cover it with bs=True")
    key = parameters.get("key")
    if isinstance(key, str):
        member = member_text(combined, key)
        if member is None:
            raise _cannot(component, "has no such member")
        return member
    return strict_text(name, combined, structures.get(name)) if parameters.get("sf") else combined


def _cannot(component: Component, why: str) -> SigningError:
    return SigningError(f"component {component} {why} (RFC 9421 §2)")
