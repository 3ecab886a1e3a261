"""The TLS context that settings describe."""

from __future__ import annotations

import ssl

from stablehttp import HttpVersion, InvalidMessageError, TLSSettings


def tls_context(settings: TLSSettings) -> ssl.SSLContext | None:
    """A context made from `settings`, or None if they say nothing, so that aiohttp's own default will do.

    That default verifies, offers HTTP/1.1 alone, and is made once when aiohttp is imported.

    Raises:
        InvalidMessageError: a file cannot be read, or does not hold what it should.
    """
    if settings == TLSSettings(server_name=settings.server_name):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.client_cert is not None:
            context.load_cert_chain(settings.client_cert, settings.client_key)
    except OSError as error:
        raise InvalidMessageError(
            f"the files of the TLS settings cannot be used ({error.strerror or type(error).__name__}); "
            "ca_file, client_cert and client_key must be readable PEM files"
        ) from error
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = getattr(ssl.TLSVersion, settings.minimum_version.replace(".", "_"))
    context.set_alpn_protocols([HttpVersion.HTTP_1_1.alpn])
    return context
