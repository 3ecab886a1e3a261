"""TLS contexts: one for equal settings, made at its first use."""

from __future__ import annotations

import ssl
from functools import lru_cache

from stablehttp import HttpVersion, TLSError, TLSSettings


@lru_cache(maxsize=32)
def context_for(settings: TLSSettings) -> ssl.SSLContext | bool:
    """What aiohttp is to use for `settings`: a context, or True for its own where nothing special is asked for.

    Its own verifies, offers HTTP/1.1 alone, and was made when aiohttp was imported.

    Raises:
        TLSError: a file that `settings` name cannot be read, or holds something else.
    """
    if settings == TLSSettings(server_name=settings.server_name):
        return True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion[settings.minimum_version.replace(".", "_")]
    context.set_alpn_protocols([HttpVersion.HTTP_1_1.alpn])
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if settings.ca_file is not None:
            context.load_verify_locations(settings.ca_file)
        elif settings.verify:
            context.load_default_certs()
        if settings.client_cert is not None:  # without a password OpenSSL would ask on the terminal
            context.load_cert_chain(settings.client_cert, settings.client_key, password="")
    except OSError as error:
        raise TLSError(
            "a file that TLSSettings name cannot be read as PEM; check ca_file, client_cert and client_key"
        ) from error
    return context
