"""TLS contexts: one for equal settings, made at its first use."""

from __future__ import annotations

import ssl
from functools import lru_cache

from stablehttp import TLSError, TLSSettings


@lru_cache(maxsize=32)
def context_for(settings: TLSSettings) -> ssl.SSLContext:
    """The context for `settings`; it offers HTTP/1.1 only.

    Raises:
        TLSError: a file that `settings` name cannot be read, or holds something else.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion[settings.minimum_version.replace(".", "_")]
    context.set_alpn_protocols(["http/1.1"])
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if settings.ca_file is not None:
            context.load_verify_locations(settings.ca_file)
        elif settings.verify:
            context.load_default_certs()
        if settings.client_cert is not None:
            context.load_cert_chain(
                settings.client_cert, settings.client_key, password=""
            )  # else OpenSSL asks on the terminal
    except OSError as error:
        raise TLSError(
            "a file that TLSSettings name cannot be read as PEM; check ca_file, client_cert and client_key"
        ) from error
    return context
