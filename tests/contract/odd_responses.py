"""Responses that are odd, what every connector makes of them, and who cannot.

The octets are those of llhttp's tests and of our own, shared as vectors, and some more of each kind.  One rule
for each kind; a client that cannot keep it is a deviation, with the reason.  The page `docs/odd-responses.md`
draws this table, and a test keeps it equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, TypeAlias, final

from tests.vectors import vectors

_OK: Final = b"HTTP/1.1 200 OK\r\n"
_TWO: Final = b"Content-Length: 2\r\n\r\nhi"
_CHUNKED: Final = _OK + b"Transfer-Encoding: chunked\r\n\r\n"

INVALID: Final = "InvalidResponseError"
CUT: Final = "DisconnectedError"
INCOMPLETE: Final = "IncompleteResponseError"


@final
@dataclass(frozen=True, slots=True)
class Reply:
    """A response that was accepted: its content, and the values of lines that are not those that were sent."""

    content: bytes
    lines: Mapping[str, str] = field(default_factory=dict)


Story: TypeAlias = Reply | str
"""A response, or the class of the error."""


@final
@dataclass(frozen=True, slots=True)
class Deviation:
    """What the connectors upon one client do instead, with these cases or all of the kind, and why."""

    client: str
    story: Story
    why: str
    _: KW_ONLY
    only: Sequence[str] = ()


@final
@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of oddness: what every connector does, by which section, and the cases with their stories."""

    name: str
    rule: str
    section: str
    cases: Mapping[str, Story]
    deviations: Sequence[Deviation] = ()


def _each(story: Story, *cases: str) -> dict[str, Story]:
    return dict.fromkeys(cases, story)


_NO_LENGTH_IN_CRT: Final = "awscrt gives no content that ends with the connection, so there is none to be had"
_STRICT_CRT: Final = "awscrt ends the connection while it reads the head"
_STRICT_AIOHTTP: Final = "aiohttp's parser refuses it before there is a response"
_STRICT_PYQWEST: Final = "the parser below pyqwest refuses it"
_CRT_WAITS: Final = "awscrt waits for CRLF, until the peer closes"

KINDS: Final = (
    Kind(
        "nothing odd",
        "it is taken as it is",
        "RFC 9112 §6",
        {
            "response/connection/Proxy-Connection": Reply(b"hello world"),
            "response/content-length/Content-Length-X": Reply(b"OK"),
            **_each(
                Reply(b"abc"),
                "response/pausing/on_message_complete",
                "response/pausing/on_status_complete",
                "response/pausing/on_header_value_complete",
            ),
            "response/pausing/on_chunk_header": Reply(b"0123456789"),
            "response/sample/Underscore in header key": Reply(b""),
            "own/cookies": Reply(b""),
            "own/gzip-raw": Reply(b"nope"),
            "205 with content": Reply(b"hi"),
            "a line of 20,000 octets": Reply(b"hi"),
            "200 lines": Reply(b"hi"),
        },
        [Deviation("pyqwest", INVALID, "the parser below pyqwest takes 100 lines and no more", only=["200 lines"])],
    ),
    Kind(
        "no length, and not chunked",
        "the content ends with the connection",
        "RFC 9112 §6.3 (8)",
        {
            "own/http10": Reply(b"hi"),
            "response/connection/HTTP/1.0 with keep-alive and EOF-terminated 200 status": Reply(b"HTTP/1.0 200 OK"),
            **_each(
                Reply(b""),
                "response/sample/Empty body should not trigger spurious span callbacks",
                "response/sample/No headers and no body",
            ),
            "response/sample/No Content-Length, no Transfer-Encoding": Reply(b"hello world"),
        },
        [Deviation("crt", INVALID, _NO_LENGTH_IN_CRT)],
    ),
    Kind(
        "lines that end with LF alone",
        "they are lines",
        "RFC 9112 §2.2",
        {
            "own/lf-lines": Reply(b"hi"),
            "response/invalid/Only LFs present": Reply(b"BODY\n\\"),
            "response/sample/No carriage ret": Reply(b"these headers are from http://news.ycombinator.com/"),
        },
        [Deviation("crt", CUT, _CRT_WAITS)],
    ),
    Kind(
        "chunks whose lines end with LF alone",
        "it is invalid",
        "RFC 9112 §7.1",
        _each(INVALID, "chunks with LF"),
        [
            Deviation("h11", INCOMPLETE, "h11 waits for CRLF, until the peer closes"),
            Deviation("crt", CUT, _CRT_WAITS),
        ],
    ),
    Kind(
        "empty lines before the status line",
        "they are skipped",
        "RFC 9112 §2.2, which says so of requests only",
        {"response/connection/HTTP 100 first, then 400": Reply(b"404: Not Found"), "an empty line first": Reply(b"hi")},
        [
            Deviation("httpx", INVALID, "h11 takes none, and httpx hands it all that arrives"),
            Deviation("crt", INVALID, _STRICT_CRT),
        ],
    ),
    Kind(
        "a status line without a reason",
        "the reason is empty",
        "RFC 9112 §4",
        {"own/no-reason": Reply(b"")},
        [Deviation("crt", INVALID, "awscrt wants the space that stands before a reason")],
    ),
    Kind(
        "octets above 0x7F in the reason or in a value",
        "they are read as Latin-1",
        "RFC 9110 §5.5",
        _each(Reply(b"hi"), "a reason in Latin-1", "a value in Latin-1", "a value in UTF-8"),
        [
            Deviation("crt", INVALID, "awscrt reads values as UTF-8 and fails", only=["a value in Latin-1"]),
            Deviation(
                "pyqwest",
                Reply(b"hi", {"X-A": ""}),
                "pyqwest gives an empty value for one that holds such octets",
                only=["a value in Latin-1", "a value in UTF-8"],
            ),
        ],
    ),
    Kind(
        "control characters in a value",
        "they are kept, but for NUL, CR and LF",
        "RFC 9110 §5.5",
        _each(Reply(b"hi"), "0x01 in a value"),
        [Deviation("crt", INVALID, _STRICT_CRT), Deviation("pyqwest", INVALID, _STRICT_PYQWEST)],
    ),
    Kind(
        "NUL, CR or LF in a value or in the reason",
        "it is invalid",
        "RFC 9110 §5.5",
        _each(
            INVALID,
            "own/nul-value",
            "CR in a value",
            "NUL in the reason",
            "response/invalid/Bare CR after response line",
        ),
    ),
    Kind(
        "a line that is no field line",
        "it is invalid",
        "RFC 9112 §5.1",
        _each(
            INVALID,
            "response/sample/Spaces in header name",
            "no colon",
            "an empty name",
            "a space before the colon",
            "a name in Latin-1",
        ),
    ),
    Kind(
        "a folded line",
        "each fold becomes one space",
        "RFC 9112 §5.2",
        {"a folded value": Reply(b"hi", {"X-A": "a b c"})},
        [
            Deviation("aiohttp", Reply(b"hi", {"X-A": "a b\tc"}), "aiohttp takes out the line break and nothing more"),
            Deviation("crt", INVALID, _STRICT_CRT),
            Deviation("pyqwest", INVALID, _STRICT_PYQWEST),
        ],
    ),
    Kind(
        "a status line that is none",
        "it is invalid",
        "RFC 9112 §4",
        _each(
            INVALID,
            "own/garbage",
            "own/status-4-digits",
            "HTML instead of a status line",
            "status 20",
            "status -20",
            "two spaces before the status",
            "http in lower case",
            "response/invalid/Extra digit in HTTP major version",
            "response/invalid/CR before response and tab after HTTP version",
        ),
    ),
    Kind("a status below 100", "it is invalid", "RFC 9110 §15", _each(INVALID, "status 099")),
    Kind("a status above 599", "it is given as it is", "RFC 9110 §15", {"own/status-999": Reply(b"")}),
    Kind(
        "another major version",
        "it is invalid",
        "RFC 9110 §2.5",
        _each(INVALID, "response/sample/HTTP version 0.9", "HTTP/2.0 in text"),
    ),
    Kind(
        "another minor version",
        "it counts as HTTP/1.1",
        "RFC 9110 §2.5",
        _each(Reply(b"hi"), "HTTP/1.2"),
        [
            Deviation("aiohttp", INVALID, _STRICT_AIOHTTP),
            Deviation("crt", INVALID, _STRICT_CRT),
            Deviation("pyqwest", INVALID, _STRICT_PYQWEST),
        ],
    ),
    Kind(
        "101, though nobody asked for it",
        "it is invalid",
        "RFC 9110 §15.2.2",
        _each(INVALID, "response/connection/HTTP 101 response with Upgrade and Content-Length header"),
    ),
    Kind(
        "other interim responses",
        "they are skipped, however many there are",
        "RFC 9110 §15.2",
        _each(Reply(b"hi"), "40 times 103", "199 before 200"),
    ),
    Kind(
        "an interim response with a length",
        "it has no content",
        "RFC 9112 §6.3 (1)",
        _each(Reply(b"hi"), "103 with a length"),
        [Deviation("crt", INVALID, _STRICT_CRT)],
    ),
    Kind(
        "equal lengths",
        "they count once",
        "RFC 9110 §8.6",
        _each(Reply(b"hi"), "own/same-lengths", "equal lengths in a list"),
        [Deviation("aiohttp", INVALID, _STRICT_AIOHTTP), Deviation("crt", INVALID, _STRICT_CRT)],
    ),
    Kind(
        "a length that is no number, or two",
        "it is invalid",
        "RFC 9112 §6.3 (5)",
        _each(
            INVALID,
            "own/length-plus",
            "different lengths",
            "a negative length",
            "an empty length",
            "a length of 23 digits",
            "a length in other digits",
        ),
    ),
    Kind("a length with zeros in front", "it is that number", "RFC 9110 §8.6", {"length 0002": Reply(b"hi")}),
    Kind(
        "a length, and chunked too",
        "it is invalid",
        "RFC 9112 §6.3 (3)",
        _each(INVALID, "own/length-and-chunked"),
    ),
    Kind(
        "a transfer coding other than one chunked",
        "it is invalid, because nobody asked for it",
        "RFC 9112 §6.1",
        _each(
            INVALID,
            "chunked, gzip",
            "gzip, chunked",
            "gzip alone",
            "identity",
            "chunked, chunked",
            "chunked in two lines",
        ),
    ),
    Kind(
        "chunked in other letters, or with HTTP/1.0",
        "it is chunked",
        "RFC 9112 §6.1, §7",
        _each(Reply(b"hi"), "CHUNKED", "chunked with HTTP/1.0"),
        [
            Deviation(
                "pyqwest",
                INVALID,
                "the parser below pyqwest knows no chunks in HTTP/1.0",
                only=["chunked with HTTP/1.0"],
            )
        ],
    ),
    Kind(
        "content cut before its end",
        "it is incomplete",
        "RFC 9112 §8",
        _each(INCOMPLETE, "own/short-body", "own/short-chunk", "own/no-last-chunk"),
    ),
    Kind(
        "a head cut before its end, or none",
        "the connection ended",
        "RFC 9112 §8",
        _each(
            CUT,
            "own/nothing",
            "a head that is cut",
            "a status line that is cut",
            "103 and nothing more",
            "response/invalid/Invalid space after start line",
        ),
        [
            Deviation(
                "pyqwest",
                INVALID,
                "the parser below pyqwest sees at once that it is no head",
                only=["response/invalid/Invalid space after start line"],
            )
        ],
    ),
    Kind(
        "octets behind the end",
        "they are dropped, with the connection",
        "RFC 9112 §6.3",
        {
            "response/connection/HTTP/1.1 with keep-alive disabled and 204 status": Reply(b""),
            "response/connection/HTTP/1.1 with keep-alive disabled, content-length": Reply(b"2ad73"),
            "more than declared": Reply(b"hi"),
        },
        [Deviation("aiohttp", INVALID, "aiohttp's parser refuses all that arrived with them")],
    ),
    Kind(
        "204 or 304 that declares content",
        "it has none; octets behind it are dropped, with the connection",
        "RFC 9112 §6.3 (1)",
        _each(Reply(b""), "204 with content", "204 with chunks", "304 with a length"),
        [
            Deviation("aiohttp", INVALID, _STRICT_AIOHTTP, only=["204 with content", "204 with chunks"]),
            Deviation("crt", INVALID, _STRICT_CRT, only=["204 with content", "204 with chunks"]),
        ],
    ),
    Kind(
        "chunk extensions",
        "they are ignored",
        "RFC 9112 §7.1.1",
        {
            "own/chunk-ext": Reply(b"hi"),
            "response/pausing/on_chunk_extension_value": Reply(b"0123456789"),
            "response/transfer-encoding/No extension after semicolon": Reply(b"aa"),
            "response/transfer-encoding/Unbalanced chunk extensions quoting": INCOMPLETE,
        },
        [
            Deviation(
                "aiohttp",
                INVALID,
                "aiohttp's parser checks them",
                only=[
                    "response/transfer-encoding/No extension after semicolon",
                    "response/transfer-encoding/Unbalanced chunk extensions quoting",
                ],
            )
        ],
    ),
    Kind(
        "spaces behind a chunk size",
        "they are ignored",
        "RFC 9112 §7.1.1",
        {
            "response/transfer-encoding/Trailing space on chunked body": Reply(
                b"This is the data in the first chunk\r\nand this is the second one\r\n"
            )
        },
        [Deviation("crt", INVALID, "awscrt ends the connection at once")],
    ),
    Kind(
        "a chunk that is none",
        "it is invalid",
        "RFC 9112 §7.1",
        _each(
            INVALID,
            "own/chunk-hex-prefix",
            "no chunk size",
            "a negative chunk size",
            "a chunk that is too long",
            "a chunk size of 30 digits",
        ),
    ),
    Kind(
        "trailers",
        "they are no header fields",
        "RFC 9110 §6.5",
        _each(Reply(b"hi"), "a trailer", "a length among the trailers"),
        [
            Deviation("aiohttp", INVALID, _STRICT_AIOHTTP, only=["a length among the trailers"]),
            Deviation("crt", INVALID, "awscrt checks them", only=["a length among the trailers"]),
        ],
    ),
    Kind("a trailer that is no field line", "it is invalid", "RFC 9112 §7.1.2", _each(INVALID, "a bad trailer")),
)

_MORE: Final[Mapping[str, bytes]] = {
    "205 with content": b"HTTP/1.1 205 X\r\n" + _TWO,
    "a line of 20,000 octets": _OK + b"X-A: " + b"a" * 20_000 + b"\r\n" + _TWO,
    "200 lines": _OK + b"".join(b"X-%d: a\r\n" % number for number in range(200)) + _TWO,
    "chunks with LF": _CHUNKED + b"2\nhi\n0\n\n",
    "an empty line first": b"\r\n" + _OK + _TWO,
    "a reason in Latin-1": b"HTTP/1.1 200 caf\xe9\r\n" + _TWO,
    "a value in Latin-1": _OK + b"X-A: caf\xe9\r\n" + _TWO,
    "a value in UTF-8": _OK + "X-A: café\r\n".encode() + _TWO,
    "0x01 in a value": _OK + b"X-A: a\x01b\r\n" + _TWO,
    "CR in a value": _OK + b"X-A: a\rb\r\n" + _TWO,
    "NUL in the reason": b"HTTP/1.1 200 O\0K\r\n" + _TWO,
    "no colon": _OK + b"X-A\r\n" + _TWO,
    "an empty name": _OK + b": a\r\n" + _TWO,
    "a space before the colon": _OK + b"X-A : a\r\n" + _TWO,
    "a name in Latin-1": _OK + b"X-\xe9: a\r\n" + _TWO,
    "a folded value": _OK + b"X-A: a\r\n b\r\n\tc\r\n" + _TWO,
    "HTML instead of a status line": b"<html>no HTTP</html>\r\n\r\n",
    "status 20": b"HTTP/1.1 20 X\r\n" + _TWO,
    "status -20": b"HTTP/1.1 -20 X\r\n" + _TWO,
    "status 099": b"HTTP/1.1 099 X\r\n" + _TWO,
    "two spaces before the status": b"HTTP/1.1  200 OK\r\n" + _TWO,
    "http in lower case": b"http/1.1 200 OK\r\n" + _TWO,
    "HTTP/2.0 in text": b"HTTP/2.0 200 OK\r\n" + _TWO,
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\n" + _TWO,
    "40 times 103": b"HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n" * 40 + _OK + _TWO,
    "199 before 200": b"HTTP/1.1 199 X\r\n\r\n" + _OK + _TWO,
    "103 with a length": b"HTTP/1.1 103 X\r\nContent-Length: 2\r\n\r\n" + _OK + _TWO,
    "103 and nothing more": b"HTTP/1.1 103 X\r\n\r\n",
    "equal lengths in a list": _OK + b"Content-Length: 2, 2\r\n\r\nhi",
    "different lengths": _OK + b"Content-Length: 3\r\n" + _TWO,
    "a negative length": _OK + b"Content-Length: -2\r\n\r\nhi",
    "an empty length": _OK + b"Content-Length:\r\n\r\nhi",
    "a length of 23 digits": _OK + b"Content-Length: 99999999999999999999999\r\n\r\nhi",
    "a length in other digits": _OK + "Content-Length: \N{ARABIC-INDIC DIGIT TWO}\r\n\r\nhi".encode(),
    "length 0002": _OK + b"Content-Length: 0002\r\n\r\nhi",
    "chunked, gzip": _OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "gzip, chunked": _OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "gzip alone": _OK + b"Transfer-Encoding: gzip\r\n\r\nhi",
    "identity": _OK + b"Transfer-Encoding: identity\r\n\r\nhi",
    "chunked, chunked": _OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "chunked in two lines": _OK + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n2\r\nhi\r\n0\r\n\r\n",
    "CHUNKED": _OK + b"Transfer-Encoding: CHUNKED\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "chunked with HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "a head that is cut": _OK + b"Content-Le",
    "a status line that is cut": b"HTTP/1.1 20",
    "more than declared": _OK + _TWO + b" there",
    "204 with content": b"HTTP/1.1 204 X\r\n" + _TWO,
    "204 with chunks": b"HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "304 with a length": b"HTTP/1.1 304 X\r\nContent-Length: 2\r\n\r\n",
    "no chunk size": _CHUNKED + b"\r\nhi\r\n0\r\n\r\n",
    "a negative chunk size": _CHUNKED + b"-2\r\nhi\r\n0\r\n\r\n",
    "a chunk that is too long": _CHUNKED + b"2\r\nhiya\r\n0\r\n\r\n",
    "a chunk size of 30 digits": _CHUNKED + b"f" * 30 + b"\r\nhi\r\n0\r\n\r\n",
    "a trailer": _CHUNKED + b"2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n",
    "a bad trailer": _CHUNKED + b"2\r\nhi\r\n0\r\nX T: 1\r\n\r\n",
    "a length among the trailers": _CHUNKED + b"2\r\nhi\r\n0\r\nContent-Length: 9\r\n\r\n",
}


def shared() -> dict[str, bytes]:
    """The vectors that stand beside the repository."""
    found = [vector for name in ("llhttp", "own") for vector in vectors(f"http1-responses/{name}.json")]
    return {vector["id"]: bytes.fromhex(vector["hex"]) for vector in found}


def octets() -> dict[str, bytes]:
    """What the server sends in each case before it closes."""
    return {**shared(), **_MORE}


def stories(client: str) -> Iterator[tuple[str, Story, Deviation | None]]:
    """Each case, what the connectors upon `client` tell of it, and the deviation if it is one."""
    client = "httpx" if client == "httpx2" else client
    for kind in KINDS:
        for case, story in kind.cases.items():
            found = [each for each in kind.deviations if each.client == client and (not each.only or case in each.only)]
            yield (case, found[0].story, found[0]) if found else (case, story, None)


def head_of(response: bytes) -> tuple[int, str, list[tuple[str, str]]]:
    """Status, reason and lines of the final response, read in the plainest way there is; folds are left out."""
    heads = [part.lstrip(b"\r\n") for part in re.split(rb"\r?\n\r?\n", response)]
    final = next(head for head in heads if head and not head.startswith(b"HTTP/1.1 1"))
    status_line, *lines = re.split(r"\r?\n", final.decode("latin-1"))
    _, status, *reason = status_line.split(" ", 2)
    return int(status), "".join(reason), [_line(line) for line in lines if line[:1] not in (" ", "\t")]


def _line(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()


IN_A_MAP: Final = frozenset({"pyqwest"})
"""Clients that give received lines in lower case, those of one name next to each other."""


def as_a_map(lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The lines as such a client gives them."""
    names = list(dict.fromkeys(name.lower() for name, _ in lines))
    return [(name, value) for name in names for other, value in lines if other.lower() == name]


def told_alike(lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The lines, with those about framing as they are meant: h11, which httpx stands on, rewrites them."""
    told: list[tuple[str, str]] = []
    for name, value in lines:
        match name.lower():
            case "transfer-encoding":
                told.append((name, value.lower()))
            case "content-length":
                line = (name, value.partition(",")[0])
                told += [] if line in told else [line]
            case _:
                told.append((name, str(value)))
    return told
