"""Whether a transport can do what an operation needs, asked before anything else happens.

Floor 9: stands on connectors and operations.

The questions are answered from declarations alone.  A transport that declares nothing is trusted with
everything but duplex streaming, where a wrong guess is a call that never ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stablehttp._call_options import CallOptions
from stablehttp._capability import Capability
from stablehttp._connectors import (
    TIMEOUT_CAPABILITIES,
    Connector,
    refuse,
    supports_duplex,
    timeout_needs,
    transport_name,
)
from stablehttp._errors import MisuseError, UnsupportedTransportError
from stablehttp._http_version import HttpVersion
from stablehttp._operation import Operation
from stablehttp._protocol_versions import ProtocolVersions
from stablehttp._settings import HttpSettings, Timeouts


def check_call(transport: object, operation: Operation | None, options: CallOptions | None) -> None:
    """Make sure that `transport` can carry a call, as far as it declares what it can do.

    Raises:
        UnsupportedTransportError: it cannot.
    """
    if operation is not None:
        check_operation(operation, transport)
    versions = options.versions if options is not None else ()
    if operation is not None:
        versions = versions or operation.versions
    if versions:
        check_versions(versions, transport, None if operation is None else operation.id)


def check_given(
    transport: object, settings: HttpSettings | None, versions: ProtocolVersions | None, timeouts: Timeouts | None
) -> None:
    """Make sure that a client that is given one transport asks nothing of it that it cannot do, or is too late for.

    Raises:
        MisuseError: settings or protocol versions stand beside a transport that is made already.
        UnsupportedTransportError: it cannot keep one of the timeouts.
    """
    if settings is not None or versions is not None:
        raise MisuseError(
            "settings and versions say which connector to make, and this pipeline was given one that is made already; "
            "give it a cache of connectors, or make the connector from them"
        )
    if isinstance(transport, Connector):
        needs = timeout_needs(timeouts)
        for name, need in TIMEOUT_CAPABILITIES.items():
            if need in needs and not _offers(transport, need):
                raise refuse(transport, need, hint=f"set timeout {name!r} to None")


def check_settings(options: CallOptions | None) -> None:
    """Make sure that a call asks for no connector of its own, where there is no choice of connectors.

    Raises:
        MisuseError: it does.
    """
    if options is not None and options.settings is not None:
        raise MisuseError(
            "settings of a call choose its connector, and this pipeline was given one that is made already; give it a "
            "cache of connectors, or leave the settings out of the options"
        )


def check_operation(operation: Operation, transport: object) -> None:
    """Make sure that `transport` can carry `operation`, as far as it declares what it can do.

    Duplex streaming is enough on one of its protocol versions (`check_negotiated` follows when the version
    is known); anything else has to be there on each version that it may use.

    Raises:
        UnsupportedTransportError: it cannot; `capability` says what is missing.
    """
    for need in operation.needs:
        if not _offers(transport, need):
            raise refuse(transport, need, operation=operation.id)


def check_duplex(transport: object, operation: Operation | None) -> None:
    """Make sure that `transport` can send and receive at the same time, over one of its versions at least.

    Raises:
        UnsupportedTransportError: it does not declare that.
    """
    if not supports_duplex(transport):
        raise refuse(transport, Capability.DUPLEX, operation=None if operation is None else operation.id)


def check_negotiated(transport: object, negotiated: HttpVersion | None, operation: str | None) -> None:
    """Make sure that duplex streaming holds on the protocol version that the peers agreed on.

    Raises:
        UnsupportedTransportError: it does not; `negotiated` is that version.
    """
    if isinstance(transport, Connector) and not supports_duplex(transport, negotiated):
        raise refuse(transport, Capability.DUPLEX, operation=operation, negotiated=negotiated)


def check_versions(versions: Iterable[HttpVersion], transport: object, operation: str | None) -> None:
    """Make sure that `transport` will use none but these protocol versions, as far as it declares any.

    Raises:
        UnsupportedTransportError: it does not speak them, or could fall back to another.
    """
    if not isinstance(transport, Connector):
        return
    wanted = set(versions)
    others = [version.value for version in transport.versions if version not in wanted]
    if not others:
        return
    name, words = transport_name(transport), " or ".join(version.value for version in versions)
    able = any(version in wanted for version in transport.versions)
    problem = f"may also use {' or '.join(others)}" if able else f"speaks {' and '.join(others)}"
    raise UnsupportedTransportError(
        f"connector {name!r} {problem}, and {f'operation {operation!r}' if operation else 'this call'} allows "
        f"{words} only; use a connector made for {words}, or allow {' and '.join(others)}",
        transport=name,
        capability=f"speaking {words} only",
        operation=operation,
    )


def shortcoming(
    transport: object, version: HttpVersion, offered: Sequence[HttpVersion], needs: Iterable[Capability]
) -> str | None:
    """Why `transport`, which a maker made, is not what was asked for: `version`, none but those offered, and needs."""
    if isinstance(transport, Connector):
        if version not in transport.capabilities:
            return f"made a connector that does not speak {version}"
        others = [spoken.value for spoken in transport.versions if spoken not in offered]
        if others:
            return f"made a connector that may also use {' or '.join(others)}"
    lacks = sorted(need.value for need in needs if not _offers(transport, need))
    return f"made a connector that does not offer {', '.join(lacks)}" if lacks else None


def _offers(transport: object, need: Capability) -> bool:
    if need is Capability.DUPLEX:
        return supports_duplex(transport)
    if not isinstance(transport, Connector):
        return True
    return all(need in can for can in transport.capabilities.values())
