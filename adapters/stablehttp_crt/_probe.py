"""Finding out why a TLS handshake takes so long.

When a certificate is refused, the CRT's TLS library keeps that to itself for 10 to 30 seconds, so that
nobody can measure how far it came, and then says only that the handshake failed.  A handshake of Python's own,
begun a second later, has long got to the certificate by then, and knows what is wrong with it.  It sends
nothing of any request, and it is believed only about certificates.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable

from stablehttp import CertificateError, TLSSettings


def probe(
    host: str, port: int, settings: TLSSettings, seconds: float, failed: Callable[[CertificateError], None]
) -> None:
    """Begin a handshake in a thread of its own, and call `failed` from there if the certificate is refused."""

    def run() -> None:
        error = _find_out(host, port, settings, seconds)
        if error is not None:
            failed(error)

    threading.Thread(target=run, name="stablehttp_crt-probe", daemon=True).start()


def _find_out(host: str, port: int, settings: TLSSettings, seconds: float) -> CertificateError | None:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if not _knows_authorities(context):
            return None
        if settings.client_cert is not None:
            context.load_cert_chain(settings.client_cert, settings.client_key, password="")
        with (
            socket.create_connection((host, port), seconds) as raw,
            context.wrap_socket(raw, server_hostname=settings.server_name or host.removesuffix(".")),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        made = CertificateError(f"the certificate of the host could not be verified: {error.verify_message}")
        made.__cause__ = error
        return made
    except (OSError, ValueError):
        return None


def _knows_authorities(context: ssl.SSLContext) -> bool:
    """Whether Python's TLS has anybody to trust; on some systems it has not, and the CRT's has."""
    paths = ssl.get_default_verify_paths()
    return bool(context.cert_store_stats()["x509_ca"] or paths.cafile or paths.capath)
