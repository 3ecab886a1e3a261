"""What has to arrive of a completed request, and how what did arrive differs from it.

Stands on messages and on what an origin recorded.

HTTP/1.1: the lines as they stand, with names in lower case only where the connector does not declare to keep their
spelling.  HTTP/2: names in lower case, `Host` as `:authority`, our
`Transfer-Encoding: chunked` left out, and nothing else different (DESIGN, promise 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from stablehttp._http_version import HttpVersion
from stablehttp._message import AnyRequest
from stablehttp._redaction import shorten
from stablehttp.testing._origin_log import Line, Received


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A request as an origin has to receive it."""

    version: HttpVersion
    method: bytes
    target: bytes
    authority: bytes | None
    lines: tuple[Line, ...]
    content: bytes
    trailers: tuple[Line, ...]
    spelled: bool = True

    @classmethod
    def of(cls, request: AnyRequest, version: HttpVersion, content: bytes, *, spelled: bool = True) -> Expected:
        """What has to arrive of the completed `request` with this content over `version`.

        `spelled` says that names keep their spelling over HTTP/1.1.
        """
        lines = [_octets(line) for line in request.headers.items()]
        trailing = [_octets(line) for line in request.trailers.items()]
        authority = None
        if version is HttpVersion.HTTP_2:
            authority = next((value for name, value in lines if name.lower() == b"host"), None)
            left_out = (b"host", b"transfer-encoding")
            lines = [(name.lower(), value) for name, value in lines if name.lower() not in left_out]
            trailing = [(name.lower(), value) for name, value in trailing]
        return cls(
            version=version,
            method=request.method.encode("ascii"),
            target=request.target.encode("ascii"),
            authority=authority,
            lines=tuple(lines),
            content=content,
            trailers=tuple(trailing),
            spelled=spelled,
        )

    def differences(self, received: Received) -> list[str]:
        """In words, how `received` differs; nothing if it arrived whole."""
        found = [
            _differ(what, getattr(self, name), getattr(received, name))
            for what, name in (("method", "method"), ("target", "target"), ("authority", "authority"))
        ]
        found += [
            _differ("version", self.version.value, received.http_version),
            _differ("fields", self._read(self.lines), self._read(received.fields)),
            _differ("content", self.content, received.content),
            _differ("trailers", self._read(self.trailers), self._read(received.trailers)),
            _differ("framing", self._framing(), _framing_of(received)),
            _differ("problems", (), received.problems),
            "" if received.complete else "it did not arrive completely",
        ]
        return [difference for difference in found if difference]

    def _read(self, lines: tuple[Line, ...]) -> tuple[Line, ...]:
        return lines if self.spelled else tuple((name.lower(), value) for name, value in lines)

    def _framing(self) -> str:
        names = {name.lower() for name, _ in self.lines}
        if self.version is HttpVersion.HTTP_2:
            return "frames"
        if b"transfer-encoding" in names:
            return "chunks"
        return "length" if b"content-length" in names else "none"


def _framing_of(received: Received) -> str:
    if received.http_version == "HTTP/2":
        return "frames"
    if received.raw_content != received.content:
        return "chunks"
    return "length" if received.values("content-length") else "none"


def _octets(line: tuple[str, str]) -> Line:
    return line[0].encode("ascii"), line[1].encode("latin-1")


def _differ(what: str, wanted: object, got: object) -> str:
    if wanted == got:
        return ""
    return f"{what}: {shorten(repr(wanted), 600)} was to arrive, and {shorten(repr(got), 600)} did"
