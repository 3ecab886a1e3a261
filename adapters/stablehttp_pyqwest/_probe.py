"""Finding out which protocol version a server agrees on in TLS.

pyqwest begins HTTP/2 whatever TLS agreed on, and tells nobody what that was; what a request looks like depends on it.
So a handshake of Python's own asks: before the first request to an origin where both versions will do, and after
a failure where HTTP/2 is required.  It sends nothing of any request, and nothing else is believed of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from stablehttp import HttpVersion, TLSSettings

_PATIENCE = 5.0


async def agreed_version(host: str, port: int, tls: TLSSettings, seconds: float | None) -> HttpVersion | None:
    """The version that the server agrees on when both are offered; None if there was no handshake.

    Raises:
        TimeoutError: it took longer than `seconds`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([HttpVersion.HTTP_2.alpn, HttpVersion.HTTP_1_1.alpn])
    try:
        if tls.client_cert is not None:
            context.load_cert_chain(tls.client_cert, tls.client_key, password="")
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    except TimeoutError:
        raise
    except (OSError, ValueError):
        return None
    tls_object: object = writer.get_extra_info("ssl_object")
    chosen = tls_object.selected_alpn_protocol() if isinstance(tls_object, ssl.SSLObject) else None
    transport = writer.transport
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await writer.wait_closed()
    transport.abort()
    return HttpVersion.HTTP_2 if chosen == HttpVersion.HTTP_2.alpn else HttpVersion.HTTP_1_1
