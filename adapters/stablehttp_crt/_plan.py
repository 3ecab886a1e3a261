"""What connectors of both colours do before they need a connection, and what they do with one.

Without I/O of its own: the CRT does that in its threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Final, final

from awscrt.http import Http2ClientStream
from awscrt.io import ClientBootstrap

from stablehttp import (
    AnyRequest,
    BytesBody,
    Capability,
    HttpSettings,
    HttpVersion,
    MisuseError,
    TransportError,
    UnsupportedTransportError,
)
from stablehttp.adapting import Capabilities, Limits, refuse
from stablehttp_crt._body import FedReader, MemoryReader
from stablehttp_crt._convert import LONGEST_LINE, NAME, Prepared
from stablehttp_crt._dial import Dial
from stablehttp_crt._errors import TOO_MANY_STREAMS, name_of
from stablehttp_crt._exchange import Exchange
from stablehttp_crt._lane import Threads
from stablehttp_crt._maker import CAPABILITIES as CAPABILITIES
from stablehttp_crt._opening import Endpoint
from stablehttp_crt._upload import FrameWriter, Sink

LIMITS: Final = MappingProxyType({HttpVersion.HTTP_2: Limits(field_line=LONGEST_LINE)})


@final
class Plan:
    """What both colours do before they need a connection, and with one."""

    def __init__(self, client: object, versions: Sequence[HttpVersion], settings: HttpSettings) -> None:
        """Check what a connector was made with.

        Raises:
            UnsupportedTransportError: a version that the CRT does not speak.
            MisuseError: `client` is no bootstrap.
            InvalidURIError: the proxy is not an http or https URI.
        """
        self.versions = _checked_versions(versions)
        self.has_http2 = HttpVersion.HTTP_2 in self.versions
        self.threads = Threads(_checked_client(client))
        self.dial = Dial(settings, self.versions, self.threads)

    def capabilities(self, *, duplex: bool) -> Capabilities:
        """What a connector can do over its versions."""
        left_out = frozenset[Capability]() if duplex else frozenset({Capability.DUPLEX})
        return MappingProxyType({version: CAPABILITIES[version] - left_out for version in self.versions})

    def prepare(self, request: AnyRequest, connector: object) -> tuple[Prepared, Endpoint]:
        """The request as it will be sent, and where to.

        Raises:
            UnsupportedTransportError: it cannot be sent as it stands.
            InvalidMessageError: HTTP/2 has no place for a field of the request.
        """
        versions: Sequence[HttpVersion] = self.versions
        if self.has_http2 and request.uri.scheme != "https":
            if HttpVersion.HTTP_1_1 not in versions:
                raise refuse(connector, Capability.CLEARTEXT, hint="use https, or allow HTTP/1.1")
            versions = (HttpVersion.HTTP_1_1,)
        return Prepared(request, versions), self.dial.endpoint(request)

    def goes_alone(self, endpoint: Endpoint, *, found: bool) -> bool:
        """Whether streamed content for `endpoint` needs a connection on the thread where streams rest.

        `found` says that the endpoint was found to speak HTTP/1.1.
        """
        return found or not self.dial.shares(endpoint)

    def begin(
        self, prepared: Prepared, content: bytes | None, exchange: Exchange, ring: Callable[[], None]
    ) -> Sink | None:
        """Hand the request to the CRT; give where streamed content goes, if `content` is None.

        `ring` is called when there is room for more.

        Raises:
            DisconnectedError, InvalidMessageError: the CRT does not take it; nothing was sent.
        """
        meter, channel = exchange.meter, exchange.channel
        converted = prepared.to_crt(channel.version)
        if content is not None:
            if content:
                meter.give(len(content))
                converted.body_stream = MemoryReader(content, meter)
            meter.ended = True
            exchange.start(converted, manual=False)
            return None
        if channel.http2:
            stream = exchange.start(converted, manual=True)
            assert isinstance(stream, Http2ClientStream)
            return FrameWriter(stream, meter, ring)
        reader = FedReader(meter, self.threads.lane(), ring)
        converted.body_stream = reader
        exchange.start(converted, manual=False)
        return reader


def _checked_versions(versions: Sequence[HttpVersion]) -> tuple[HttpVersion, ...]:
    given = tuple(dict.fromkeys(versions))
    if not given or any(version not in CAPABILITIES for version in given):
        raise UnsupportedTransportError(
            f"connector {NAME!r} speaks HTTP/1.1 and HTTP/2; give one of them, or both",
            transport=NAME,
            capability=", ".join(map(str, given)) or "no protocol version",
        )
    return given


def _checked_client(client: object) -> ClientBootstrap | None:
    if client is None or isinstance(client, ClientBootstrap):
        return client
    kind = type(client)
    raise MisuseError(
        f"client is a {kind.__module__}.{kind.__qualname__}, and this connector needs an awscrt.io.ClientBootstrap "
        "(threads that are lent), or None"
    )


def content_of(request: AnyRequest) -> bytes | None:
    """Content that is in memory; None if it is streamed."""
    body = request.body
    return body.content if isinstance(body, BytesBody) and "host" in request.headers else None


def may_begin_again(error: BaseException, exchange: Exchange, *, reused: bool) -> bool:
    """Whether nothing was sent because of what went on before on the connection, so that another one may serve.

    If the peer takes fewer exchanges at a time than was known, that is remembered.
    """
    if not reused or not isinstance(error, TransportError) or error.sent != "no":
        return False
    if name_of(error.__cause__ or error) == TOO_MANY_STREAMS:
        exchange.channel.streams = max(1, exchange.channel.streams // 2)
    return True
