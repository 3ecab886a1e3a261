"""TLS for the recording origin, with certificates good and bad, made by trustme.

Stands on `stablehttp._errors`; trustme is imported when the first certificate is needed.

There is one certificate authority per process; nothing but a test should ever trust it.
"""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, final
from weakref import WeakKeyDictionary

from stablehttp._errors import MissingExtraError

if TYPE_CHECKING:
    import trustme

Certificate: TypeAlias = Literal["good", "expired", "wrong name", "untrusted"]

_AT_ONCE = 256 * 1024
_NAMES = ("localhost", "127.0.0.1", "::1")
_SNI: WeakKeyDictionary[object, str | None] = WeakKeyDictionary()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TLS:
    """How an origin speaks TLS.

    `certificate`: "good" is for localhost, 127.0.0.1 and ::1, signed by the authority in `Origin.ca_file`; the others
    fail verification for the one reason that they name.  `client` says whether the client's certificate is
    asked for; `Origin.client_certificate_file` holds one that is accepted.  `alpn` lists the protocols that the
    origin agrees to, best first; None means what it speaks, and an empty list no ALPN at all.
    """

    certificate: Certificate = "good"
    client: Literal["none", "optional", "required"] = "none"
    alpn: Sequence[str] | None = None


@final
class Credentials:
    """The certificates and the context of one origin, with the files that clients need, until `close`.

    Raises:
        MissingExtraError: trustme is not installed.
    """

    def __init__(self, tls: TLS, protocols: Sequence[str]) -> None:
        authority = _authority("trusted")
        self.ca_pem = authority.cert_pem.bytes()
        self._folder = tempfile.TemporaryDirectory(prefix="stablehttp-origin-")
        folder = Path(self._folder.name)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self.ca_pem)
        self.client_file = folder / "client.pem"
        self.client_file.write_bytes(_client())
        server = folder / "server.pem"
        server.write_bytes(_server(tls.certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server)
        chosen = protocols if tls.alpn is None else tls.alpn
        if chosen:
            context.set_alpn_protocols(list(chosen))
        if tls.client != "none":
            context.verify_mode = ssl.CERT_REQUIRED if tls.client == "required" else ssl.CERT_OPTIONAL
            context.load_verify_locations(cadata=self.ca_pem.decode("ascii"))
        context.sni_callback = _remember_name
        self.context = context

    def close(self) -> None:
        self._folder.cleanup()


@final
class TLSLayer:
    """The server's side of TLS, over memory: between a wire and its transport.

    asyncio's own would not do: an origin that plays faults must half-close, reset and truncate at will, and
    count what HTTP sees.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.established = False

    def receive(self, data: bytes) -> tuple[bytes, bool]:
        """Take octets off the wire; give the plain octets in them and whether the peer has said goodbye."""
        self._incoming.write(data)
        plain: list[bytes] = []
        try:
            if not self.established:
                self.tls.do_handshake()
                self.established = True
            while piece := self.tls.read(_AT_ONCE):
                plain.append(piece)
        except ssl.SSLWantReadError:
            return b"".join(plain), False
        except ssl.SSLZeroReturnError:
            pass
        return b"".join(plain), True

    @property
    def server_name(self) -> str | None:
        """The name that the client asked for in its handshake (SNI)."""
        return _SNI.get(self.tls)

    def seal(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self._outgoing.read()

    def pending(self) -> bytes:
        return self._outgoing.read()

    def goodbye(self) -> bytes:
        with contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()
        return self._outgoing.read()


def _remember_name(tls: object, name: str | None, _: ssl.SSLContext) -> None:
    _SNI[tls] = name


@cache
def _authority(name: str) -> trustme.CA:
    try:
        import trustme
    except ImportError as error:
        raise MissingExtraError(
            "the recording origin makes its certificates with trustme, which is not installed; "
            "install stablehttp[testing], or use the origin without TLS",
            extra="testing",
        ) from error
    return trustme.CA(organization_name=f"stablehttp recording origin, {name}")


@cache
def _server(kind: Certificate) -> bytes:
    match kind:
        case "good":
            leaf = _authority("trusted").issue_cert(*_NAMES)
        case "wrong name":
            leaf = _authority("trusted").issue_cert("wrong.test")
        case "untrusted":
            leaf = _authority("unknown").issue_cert(*_NAMES)
        case "expired":
            first = datetime(2000, 1, 1, tzinfo=UTC)
            last = datetime(2001, 1, 1, tzinfo=UTC)
            leaf = _authority("trusted").issue_cert(*_NAMES, not_before=first, not_after=last)
    return leaf.private_key_and_cert_chain_pem.bytes()


@cache
def _client() -> bytes:
    leaf = _authority("trusted").issue_cert("client@stablehttp.test")
    return leaf.private_key_and_cert_chain_pem.bytes()
