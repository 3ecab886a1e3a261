"""What sends a request, as seen from this side, and what it says it can do.

Floor 8: stands on messages and capabilities.

A transport needs one method, `send`.  A connector also says what it can do for each protocol version
and is closed when nobody needs it any more.  One function reads both faces of a declaration, the
capabilities of our connectors and the class attribute of duck-typed transports.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import ClassVar, Final, Literal, Protocol, Self, TypeAlias, final, runtime_checkable

from stablehttp._body import AsyncBody, SyncBody
from stablehttp._capability import Capability
from stablehttp._errors import InvalidMessageError, UnsupportedTransportError
from stablehttp._field_value import FieldLine
from stablehttp._fields import Fields, holds_opaque_values
from stablehttp._grammar import FORBIDDEN_IN_HTTP2
from stablehttp._http_version import HttpVersion
from stablehttp._informational import InformationalHook
from stablehttp._message import AnyRequest, Request, has_trailers
from stablehttp._requirements import ConnectorRequirements
from stablehttp._response import Response
from stablehttp._settings import Timeouts

Capabilities: TypeAlias = Mapping[HttpVersion, frozenset[Capability]]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a connector can carry at most, in octets as RFC 9113 §6.5.2 counts them.

    `field_line` is name, value and 32; `field_section` is all header lines together.
    """

    field_line: int | None = None
    field_section: int | None = None


class AsyncTransport(Protocol):
    """The least that an `AsyncPipeline` can send through."""

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        """Send a completed request as it stands and wait for the head of the response."""
        ...


class SyncTransport(Protocol):
    """The least that a `SyncPipeline` can send through."""

    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        """Send a completed request as it stands and wait for the head of the response."""
        ...


MadeConnector: TypeAlias = AsyncTransport | None
MakeConnector: TypeAlias = Callable[[ConnectorRequirements], MadeConnector | Awaitable[MadeConnector]]
"""From requirements to a connector, at once or awaited, or None where there is nothing to offer."""

MakeSyncConnector: TypeAlias = Callable[[ConnectorRequirements], SyncTransport | None]
"""From requirements to a synchronous connector, or None where there is nothing to offer."""

AnyMaker: TypeAlias = MakeConnector | MakeSyncConnector
MakeFunction: TypeAlias = Literal["make_connector", "make_sync_connector"]
"""Under which name the module of an adapter offers its maker of each colour."""


@runtime_checkable
class DuplexClientTransport(Protocol):
    """A transport that declares duplex streaming, for type checkers to demand."""

    @property
    def SUPPORTS_DUPLEX_STREAMING(self) -> Literal[True]:  # noqa: N802
        """True, literally."""
        ...


class Connector:
    """What connectors of both colours declare.

    `name` is what errors call it, `capabilities` says what it can do for each protocol version it
    speaks, `limits` what it can carry at most.  `unavoidable_lines` are field lines that the client below sends
    whether or not it is told to; a pipeline adds those that are missing, before anything is checked or signed.
    """

    SUPPORTS_DUPLEX_STREAMING: ClassVar[bool] = False
    name: str = "custom"
    capabilities: Capabilities = MappingProxyType({HttpVersion.HTTP_1_1: frozenset()})
    limits: Mapping[HttpVersion, Limits] = MappingProxyType({})
    unavoidable_lines: tuple[FieldLine, ...] = ()

    @property
    def versions(self) -> tuple[HttpVersion, ...]:
        """The protocol versions it speaks, best first."""
        return tuple(sorted(self.capabilities, reverse=True))


class AsyncConnector(Connector, ABC):
    """Sends requests without blocking; inherit from it to write one."""

    @abstractmethod
    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        """Send a completed request as it stands and wait for the head of the response.

        Timeouts, where there are any, stand in `request.extensions` under `Timeouts`.

        Raises:
            StableHTTPError: and nothing else; the client's own exception is the cause.
        """

    async def aclose(self) -> None:
        """Close what this connector opened; what is under way comes to its end first.

        No further request is sent: it is a `ClosedError`, also for whoever waits for a connection.  A connection
        that is in use is closed when its response has been read, or closed; closing it does not wait for that.
        """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()


class SyncConnector(Connector, ABC):
    """Sends requests by blocking; inherit from it to write one."""

    @abstractmethod
    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        """Send a completed request as it stands and wait for the head of the response.

        Timeouts, where there are any, stand in `request.extensions` under `Timeouts`.

        Raises:
            StableHTTPError: and nothing else; the client's own exception is the cause.
        """

    def close(self) -> None:
        """Close what this connector opened; what is under way comes to its end first.

        No further request is sent: it is a `ClosedError`, also for whoever waits for a connection.  A connection
        that is in use is closed when its response has been read, or closed; closing it does not wait for that.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


# --- reading declarations -----------------------------------------------------------------------


def transport_name(transport: object) -> str:
    """What errors call `transport`: its name if it is a connector, else its class."""
    return transport.name if isinstance(transport, Connector) else type(transport).__name__


def supports_duplex(transport: object, version: HttpVersion | None = None) -> bool:
    """Whether `transport` declares duplex streaming: in its capabilities, or by the literal True.

    Anything but `True` itself is no: a mock's attribute is truthy too.  An attribute of the instance that says
    no goes before everything.  With `version`, capabilities are asked for that protocol version only.
    """
    said = getattr(transport, "SUPPORTS_DUPLEX_STREAMING", False) is True
    if not isinstance(transport, Connector) or (not said and "SUPPORTS_DUPLEX_STREAMING" in vars(transport)):
        return said
    declared = [spoken for spoken, can in transport.capabilities.items() if Capability.DUPLEX in can]
    return (version is None or version in declared) if declared else said


# --- checking a completed request ---------------------------------------------------------------

_ALTERNATIVES: Final = {
    Capability.DUPLEX: ("crt", "pyqwest", "h11"),
    Capability.RESPONSE_TRAILERS: ("h11", "pyqwest"),
    Capability.FIELD_NAME_CASE: ("h11", "httpx", "httpx2", "aiohttp", "crt"),
    Capability.REQUEST_TRAILERS: ("h11",),
    Capability.OPAQUE_VALUES: ("h11", "httpx", "httpx2"),
    Capability.CONNECT_METHOD: ("h11",),
    Capability.EXPECT_CONTINUE: ("h11", "aiohttp"),
    Capability.INFORMATIONAL: ("h11",),
}


def refuse(
    transport: object,
    capability: Capability,
    *,
    hint: str = "",
    operation: str | None = None,
    negotiated: HttpVersion | None = None,
) -> UnsupportedTransportError:
    """The error that says what `transport` cannot do, and what can be done about it.

    `negotiated` is the protocol version on which it cannot, where it can on others.
    """
    name, others = transport_name(transport), alternatives(transport, capability)
    duplex = capability is Capability.DUPLEX
    known_as = f"{name!r} ({type(transport).__name__})" if operation or duplex else repr(name)
    where = f" over {negotiated}, which the peers agreed on" if negotiated else ""
    needed = f", which operation {operation!r} needs" if operation else ""
    way = f"use one that declares Capability.{capability.name}" + (f" ({', '.join(others)})" if others else "")
    own = f", or {_DECLARING}" if duplex and not negotiated else ""
    return UnsupportedTransportError(
        f"connector {known_as} does not offer {capability.value}{where}{needed}; {way}{own}"
        + (f", or {hint}" if hint else ""),
        transport=name,
        capability=capability.value,
        operation=operation,
        alternatives=others,
        negotiated=None if negotiated is None else negotiated.value,
    )


_DECLARING: Final = (
    "let an asynchronous transport of your own that can do it say so: in `capabilities` if it is a connector, "
    "else with SUPPORTS_DUPLEX_STREAMING = True"
)


def alternatives(transport: object, capability: Capability) -> tuple[str, ...]:
    """The names of connectors other than `transport` that declare `capability`."""
    return tuple(other for other in _ALTERNATIVES.get(capability, ()) if other != transport_name(transport))


def check_sendable(request: AnyRequest, transport: object, timeouts: Timeouts | None) -> None:
    """Make sure that `transport` can carry the completed request as it stands, on every version it may use.

    Raises:
        UnsupportedTransportError: it cannot; `capability` says what is missing.
        InvalidMessageError: HTTP/2 has no place for a field of the request, or the header section is
            larger than the connector can carry.
    """
    if not isinstance(transport, Connector):
        return
    for version, can in transport.capabilities.items():
        for capability, hint, needed in _not_offered(frozenset(can)):
            if needed(request, timeouts):
                raise refuse(transport, capability, hint=hint)
        if version is HttpVersion.HTTP_2:
            check_http2(request.headers)
        limits = transport.limits.get(version)
        if limits is not None and limits.field_line is not None:
            _check_line_size(request, transport.name, version, limits.field_line)
        if limits is not None and limits.field_section is not None:
            request.headers.check_size(limits.field_section)


TIMEOUT_CAPABILITIES: Final = {
    "read": Capability.READ_TIMEOUT,
    "write": Capability.WRITE_TIMEOUT,
    "pool": Capability.POOL_TIMEOUT,
    "total": Capability.TOTAL_TIMEOUT,
}


def timeout_needs(timeouts: Timeouts | None) -> frozenset[Capability]:
    """What a connector has to be able to do to keep `timeouts`."""
    if timeouts is None:
        return frozenset()
    return frozenset(need for name, need in TIMEOUT_CAPABILITIES.items() if getattr(timeouts, name) is not None)


def _has(_: AnyRequest, timeouts: Timeouts | None, *, name: str) -> bool:
    return timeouts is not None and getattr(timeouts, name) is not None


_Need: TypeAlias = tuple[Capability, str, Callable[[AnyRequest, Timeouts | None], bool]]

_NEEDS: Final[tuple[_Need, ...]] = (
    (Capability.REQUEST_TRAILERS, "drop the trailers", lambda request, _: has_trailers(request)),
    (
        Capability.CONNECT_METHOD,
        "let the connector's settings name the proxy",
        lambda request, _: request.method == "CONNECT",
    ),
    (Capability.EXPECT_CONTINUE, "remove the field 'Expect'", lambda request, _: "expect" in request.headers),
    (
        Capability.INFORMATIONAL,
        "take InformationalHook out of the extensions",
        lambda request, _: InformationalHook in request.extensions,
    ),
    (Capability.STREAMED_REQUEST, "give the body a length", lambda request, _: request.body.length is None),
    (
        Capability.OPAQUE_VALUES,
        "encode the values that hold such octets",
        lambda request, _: holds_opaque_values(request.headers),
    ),
    *[
        (capability, f"set timeout {name!r} to None", partial(_has, name=name))
        for name, capability in TIMEOUT_CAPABILITIES.items()
    ],
)
"""What a request may need of a connector, a way to do without, and how to see that it needs it."""


@lru_cache(maxsize=256)
def _not_offered(can: frozenset[Capability]) -> tuple[_Need, ...]:
    return tuple(need for need in _NEEDS if need[0] not in can)


def check_http2(headers: Fields) -> None:
    """Make sure that HTTP/2 has a place for every field (RFC 9113 §8.2.2).

    Raises:
        InvalidMessageError: one is about the connection, and HTTP/2 has its own ways.
    """
    for name in FORBIDDEN_IN_HTTP2:
        if name in headers:
            raise InvalidMessageError(
                f"field {name!r} is about one connection, and HTTP/2 has no place for it (RFC 9113 §8.2.2); remove it"
            )
    if any(value.strip().lower() != "trailers" for value in headers.values("te")):
        raise InvalidMessageError("field 'TE' may say nothing but 'trailers' on HTTP/2 (RFC 9113 §8.2.2)")


def _check_line_size(request: AnyRequest, name: str, version: HttpVersion, most: int) -> None:
    for field, value in (*request.headers.items(), (":path", request.target)):
        if len(field) + len(value) + 32 > most:
            raise UnsupportedTransportError(
                f"connector {name!r} cannot carry field {field!r} over {version}: name and value have "
                f"{len(field) + len(value)} octets and {most - 32} are the most; use HTTP/1.1 or another connector",
                transport=name,
                capability=f"field lines of more than {most - 32} octets",
            )
