"""What a connection is made from, and how long a call may take.

Floor 1: stands on errors.

`HttpSettings` decides which connections can be shared and is part of a connector's cache key.
`Timeouts` travel with a call and are part of no key, so a thousand deadlines make one connector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Final, final

from stablehttp._errors import InvalidMessageError
from stablehttp._redaction import show_uri


def _check_seconds(name: str, seconds: float | None) -> None:
    if seconds is not None and not seconds > 0:
        raise InvalidMessageError(f"{name} must be a positive number of seconds, or None for no bound")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TLSSettings:
    """How a TLS connection is made; equal settings share connections.

    `ca_file` is a PEM file of the authorities to trust instead of the default ones.  `client_cert`
    and `client_key` are PEM files to present.  `verify` may be switched off for tests only.
    `minimum_version` is "TLSv1.2" or "TLSv1.3".  `server_name` replaces the host of the request in
    SNI and in the check of the certificate.
    """

    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    verify: bool = True
    minimum_version: str = "TLSv1.2"
    server_name: str | None = None

    def __post_init__(self) -> None:
        if self.minimum_version not in ("TLSv1.2", "TLSv1.3"):
            raise InvalidMessageError("minimum_version must be 'TLSv1.2' or 'TLSv1.3'")
        if self.client_key is not None and self.client_cert is None:
            raise InvalidMessageError("client_key needs client_cert, the certificate that belongs to it")


@final
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HttpSettings:
    """What a connection is made from; two equal settings are one cache key.

    `connect_timeout` is in seconds and covers name resolution, TCP and TLS; None waits as long as the
    system does.  `max_connections` bounds the connections of one connector, `keepalive` says for how
    many seconds an idle one is kept.  `proxy` is the URI of a proxy.
    """

    connect_timeout: float | None = 10.0
    max_connections: int = 100
    keepalive: float = 60.0
    proxy: str | None = None
    tls: TLSSettings = TLSSettings()
    _hash: int = field(init=False, repr=False, compare=False)  # it is looked up for every call

    def __post_init__(self) -> None:
        _check_seconds("connect_timeout", self.connect_timeout)
        _check_seconds("keepalive", self.keepalive)
        if self.max_connections < 1:
            raise InvalidMessageError("max_connections must be at least 1")
        object.__setattr__(self, "_hash", hash(self._values()))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        """Equal if all settings are; written out, because before Python 3.13 the generated one makes two tuples."""
        if not isinstance(other, HttpSettings):
            return NotImplemented
        return (
            self._hash == other._hash
            and self.connect_timeout == other.connect_timeout
            and self.max_connections == other.max_connections
            and self.keepalive == other.keepalive
            and self.proxy == other.proxy
            and (self.tls is other.tls or self.tls == other.tls)
        )

    def __reduce__(self) -> tuple[Callable[..., HttpSettings], tuple[object, ...]]:
        """Build it anew: in another process the hash is another one."""
        return _remake_settings, self._values()

    def _values(self) -> tuple[object, ...]:
        return self.connect_timeout, self.max_connections, self.keepalive, self.proxy, self.tls

    def __repr__(self) -> str:
        """All settings; the credentials of a proxy are hidden."""
        shown = {each.name: repr(getattr(self, each.name)) for each in fields(self) if each.repr}
        shown["proxy"] = repr(show_uri(self.proxy)) if self.proxy else "None"
        return f"HttpSettings({', '.join(f'{name}={value}' for name, value in shown.items())})"


def _remake_settings(
    connect_timeout: float | None, max_connections: int, keepalive: float, proxy: str | None, tls: TLSSettings
) -> HttpSettings:
    return HttpSettings(
        connect_timeout=connect_timeout, max_connections=max_connections, keepalive=keepalive, proxy=proxy, tls=tls
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a call may take, in seconds; None sets no bound.

    `read` is the longest pause between octets received, `write` the longest pause in which the peer
    takes nothing, `pool` the longest wait for a free connection, and `total` bounds the whole call,
    from dispatch to the last octet of the response.  Over HTTP/2 the peer gives leave to send: where
    a client waits for that, `read` counts too, because it is the peer that is silent.
    """

    read: float | None = None
    write: float | None = None
    pool: float | None = None
    total: float | None = None

    def __post_init__(self) -> None:
        for name in ("read", "write", "pool", "total"):
            _check_seconds(name, getattr(self, name))


DEFAULT_TIMEOUTS: Final = Timeouts(read=60.0)
"""What a pipeline uses where the caller says nothing: a peer that is silent for a minute is an error."""
