"""Wrapping the 20 field lines of a response as they were received, and reading three of them."""

from __future__ import annotations

from typing import Final

from tests.benchmarks.harness import Goal, LeftOut, Rows, compare

from stablehttp.adapting import adopt, receive_fields, receive_line

RECEIVED: Final = [
    (b"x-amz-id-2", b"Uuag1LuByRx9e6j5Onimru9pO4ZVKnJ2Qz7/C1NPcfTWAtRPfTaOFg=="),
    (b"x-amz-request-id", b"656c76696e6727732072657175657374"),
    (b"Date", b"Fri, 02 Jan 2026 03:04:05 GMT"),
    (b"Last-Modified", b"Thu, 01 Jan 2026 00:00:00 GMT"),
    (b"ETag", b'"fba9dede5f27731c9771645a39863328"'),
    (b"Accept-Ranges", b"bytes"),
    (b"Cache-Control", b"max-age=31536000, immutable"),
    (b"Content-Type", b"image/jpeg"),
    (b"Content-Length", b"1024"),
    (b"Content-Disposition", b'attachment; filename="IMG_0042.jpg"'),
    (b"Server", b"AmazonS3"),
    (b"Vary", b"Origin"),
    (b"Connection", b"keep-alive"),
    (b"x-amz-storage-class", b"INTELLIGENT_TIERING"),
    (b"x-amz-server-side-encryption", b"aws:kms"),
    (b"x-amz-version-id", b"3/L4kqtJlcpXroDTDmpUMLUo"),
    (b"x-amz-replication-status", b"COMPLETED"),
    (b"x-amz-meta-camera", b"Pentax K-1"),
    (b"x-amz-meta-origin", b"gallery"),
    (b"x-amz-tagging-count", b"2"),
]
READ: Final = ("Content-Type", "ETag", "x-amz-request-id")


def rows(seconds: float) -> Rows:
    """The way that adapters take, and line by line, each against `httpx.Headers`."""
    try:
        from httpx import Headers
    except ImportError as error:
        yield LeftOut("everything", str(error))
        return

    def theirs() -> list[str]:
        headers = Headers(RECEIVED)
        return [headers[name] for name in READ]

    def together() -> list[str]:
        headers = receive_fields(RECEIVED)
        return [headers[name] for name in READ]

    def line_by_line() -> list[str]:
        headers = adopt([receive_line(name, value) for name, value in RECEIVED])
        return [headers[name] for name in READ]

    assert together() == line_by_line() == theirs()
    yield compare("receive_fields / httpx.Headers", together, theirs, seconds, Goal(0.5, 0.4))
    yield compare("receive_line for each / httpx.Headers", line_by_line, theirs, seconds)
