"""How odd responses are read: each line of the list in `stablehttp_h11._convert`, on both colours."""

from __future__ import annotations

import time

import pytest
from tests.adapters.h11.peers import COLOURS, Colour, Outcome, RawPeer, answering, extended, fetch
from tests.vectors import vectors

from stablehttp import (
    AnyResponse,
    DisconnectedError,
    IncompleteResponseError,
    InformationalHook,
    InvalidResponseError,
    Request,
    StableHTTPError,
    Timeouts,
)

SOON = Timeouts(read=5, total=10)
pytestmark = pytest.mark.parametrize("colour", COLOURS)


def given(colour: Colour, octets: bytes, method: str = "GET", *, hold: bool = False) -> Outcome:
    with RawPeer(answering(octets, hold=hold)) as peer:
        target = peer.url + "/"
        [outcome] = fetch(colour, Request(method, target), timeouts=SOON)
        return outcome


def refused(colour: Colour, octets: bytes, method: str = "GET") -> StableHTTPError:
    with RawPeer(answering(octets)) as peer, pytest.raises(StableHTTPError) as caught:
        fetch(colour, Request(method, peer.url + "/"), timeouts=SOON)
    return caught.value


# --- heads ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "content"),
    [
        pytest.param(b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi", id="empty lines first"),
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", b"hi", id="LF alone"),
        pytest.param(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", b"hi", id="no reason phrase"),
        pytest.param(b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nhi", b"hi", id="status above 599"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\nhi", b"hi", id="HTTP/1.0"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", b"hi", id="equal lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi", b"hi", id="equal lengths in a list"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nhi", b"hi", id="until the end"),
        pytest.param(b"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nhi", b"", id="204 with content"),
        pytest.param(
            b"HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", b"", id="304 in chunks"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi there", b"hi", id="octets behind the end"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0\r\n\r\n",
            b"hi",
            id="chunk extension",
        ),
        pytest.param(
            b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nA: b\r\n\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            b"hi",
            id="1xx first, one with an empty line behind it",
        ),
    ],
)
def test_what_can_be_read_is_read(colour: Colour, octets: bytes, content: bytes) -> None:
    """U-M2: and a 1xx is never the response."""
    outcome = given(colour, octets)

    assert outcome.content == content
    assert outcome.status >= 200


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        pytest.param(b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n", "no HTTP/1.1 response", id="status 099"),
        pytest.param(b"HTTP/1.1 2000 Long\r\nContent-Length: 0\r\n\r\n", "no HTTP/1.1 response", id="four digits"),
        pytest.param(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "answered with HTTP/2.0", id="HTTP/2.0"),
        pytest.param(b"HTTP/1.1 101 Go\r\nUpgrade: h2c\r\n\r\n", "switched to another protocol", id="101"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A: a\x00b\r\n\r\n", "no HTTP/1.1 response", id="NUL in a value"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX A: b\r\n\r\n", "no HTTP/1.1 response", id="space in a name"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A : b\r\n\r\n", "no HTTP/1.1 response", id="space behind a name"),
        pytest.param(b"HTTP/1.1 200 OK\r\n folded: b\r\n\r\n", "no HTTP/1.1 response", id="folded first line"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
            "no HTTP/1.1",
            id="differing lengths",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi", "no HTTP/1.1 response", id="length with a sign"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            "in two ways",
            id="length and chunks",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhi", "no HTTP/1.1 response", id="another coding"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "no HTTP/1.1 response",
            id="chunked twice",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n",
            "chunked coding",
            id="odd chunk",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi!\r\n0\r\n\r\n",
            "chunked coding",
            id="long chunk",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX A: b\r\n\r\n",
            "chunked coding",
            id="odd trailer",
        ),
        pytest.param(b"garbage\r\n\r\n", "no HTTP/1.1 response", id="short garbage"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "no HTTP/1.1 response", id="TLS"),
    ],
)
def test_what_cannot_be_a_response_is_an_error_of_ours(colour: Colour, octets: bytes, words: str) -> None:
    """U-E1, U-E5: the peer has seen the request, and its octets are not shown."""
    error = refused(colour, octets)

    assert type(error) is InvalidResponseError
    assert words in str(error)
    assert error.sent == "yes"
    assert error.processed in ("maybe", "yes")
    assert error.method == "GET"


@pytest.mark.parametrize(
    ("octets", "expected", "received"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", 9, 2, id="length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 9, 0, id="no content at all"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhi", None, 2, id="inside a chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", None, 2, id="no last chunk"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-A: b\r\n",
            None,
            2,
            id="in trailers",
        ),
    ],
)
def test_cut_content_is_an_error_that_says_how_much_arrived(
    colour: Colour, octets: bytes, expected: int | None, received: int
) -> None:
    """U-E1, W11."""
    error = refused(colour, octets)

    assert isinstance(error, IncompleteResponseError)
    assert (error.expected, error.received) == (expected, received)
    assert (error.sent, error.processed, error.status) == ("yes", "yes", 200)


@pytest.mark.parametrize(
    ("octets", "sent"),
    [pytest.param(b"", "maybe", id="nothing"), pytest.param(b"HTTP/1.1 200 OK\r\nX-A", "yes", id="half a head")],
)
def test_a_connection_that_ends_before_the_head_does_is_told(colour: Colour, octets: bytes, sent: str) -> None:
    """U-E2."""
    error = refused(colour, octets)

    assert type(error) is DisconnectedError
    assert (error.sent, error.processed) == (sent, "maybe")


def test_field_lines_come_as_they_were_sent_with_folds_undone(colour: Colour) -> None:
    """U-K2, U-K5: nothing is merged, sorted, lower-cased or dropped."""
    head = (
        b"HTTP/1.1 200 Fine \xe9\r\nX-A:  1 \r\nset-cookie: a=1\r\nX-B:\r\nSet-Cookie: b=2, c\r\n"
        b"x-a: 2\r\n\t and more\r\nX-Bytes: caf\xe9\r\nX-C: a\x01b\r\nTransfer-Encoding: Chunked\r\n\r\n"
        b"0\r\nX-T: 1\r\nx-t: 2\r\n\r\n"
    )

    outcome = given(colour, head)

    assert outcome.reason == "Fine \xe9"
    assert outcome.lines == [
        ("X-A", "1"),
        ("set-cookie", "a=1"),
        ("X-B", ""),
        ("Set-Cookie", "b=2, c"),
        ("x-a", "2 and more"),
        ("X-Bytes", "caf\xe9"),
        ("X-C", "a\x01b"),
        ("Transfer-Encoding", "Chunked"),
    ]
    assert outcome.trailers == [("X-T", "1"), ("x-t", "2")]


def test_an_answer_to_head_has_no_content_whatever_it_declares(colour: Colour) -> None:
    outcome = given(colour, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", "HEAD", hold=True)

    assert outcome.content == b""


def test_an_answer_that_arrives_octet_by_octet_is_read(colour: Colour) -> None:
    octets = b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n"

    def serve(connection: object) -> None:
        import socket

        assert isinstance(connection, socket.socket)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(65536)
        for place in range(len(octets)):
            connection.sendall(octets[place : place + 1])
            time.sleep(0.0005)
        connection.recv(1)

    with RawPeer(serve) as peer:
        [outcome] = fetch(colour, Request("GET", peer.url + "/"), timeouts=SOON)

    assert (outcome.content, outcome.trailers) == (b"abc", [("T", "1")])


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n", id="a long head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 200_000 + b"\r\n\r\n", id="a long line"),
        pytest.param(b"HTTP/1.1 103 E\r\nX-A: b\r\n\r\n" * 5_000 + b"HTTP/1.1 204 OK\r\n\r\n", id="many 1xx"),
        pytest.param(b"\r\n" * 200_000 + b"HTTP/1.1 204 OK\r\n\r\n", id="many empty lines"),
    ],
)
def test_a_head_without_bounds_is_ended(colour: Colour, octets: bytes) -> None:
    error = refused(colour, octets)

    assert isinstance(error, InvalidResponseError)


def test_informational_responses_are_shown_to_a_hook(colour: Colour) -> None:
    """U-M2."""
    seen: list[AnyResponse] = []
    octets = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nLink: </b.css>\r\n\r\nHTTP/1.1 102 P\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    )

    with RawPeer(answering(octets)) as peer:
        request = Request("GET", peer.url + "/", extensions=extended(InformationalHook(seen.append)))
        [outcome] = fetch(colour, request)

    assert outcome.status == 200
    assert [(response.status, response.reason) for response in seen] == [(103, "Early Hints"), (102, "P")]
    assert seen[0].headers.values("link") == ("</a.css>", "</b.css>")


def test_what_a_hook_raises_ends_the_call_and_the_connection(colour: Colour) -> None:
    def complain(response: AnyResponse) -> None:
        raise LookupError("no hints, please")

    with RawPeer(answering(b"HTTP/1.1 103 E\r\n\r\n", hold=True)) as peer, pytest.raises(LookupError, match="no hints"):
        fetch(colour, Request("GET", peer.url + "/", extensions=extended(InformationalHook(complain))))


@pytest.mark.parametrize(
    ("octets", "reused"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", True, id="length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: 1\r\n\r\n", True, id="chunks"
        ),
        pytest.param(b"HTTP/1.1 204 OK\r\n\r\n", True, id="204"),
        pytest.param(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", True, id="an error status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n", False, id="close"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False, id="HTTP/1.0"),
        pytest.param(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", False, id="1.0, kept"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi\r\n", False, id="octets behind the content"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            False,
            id="a second response",
        ),
        pytest.param(b"HTTP/1.1 304 OK\r\nContent-Length: 2\r\n\r\nhi", False, id="content where there is none"),
    ],
)
def test_a_connection_serves_another_request_only_if_it_is_clean(colour: Colour, octets: bytes, reused: bool) -> None:
    with RawPeer(answering(octets, octets, hold=True)) as peer:
        first, second = fetch(colour, *[Request("GET", peer.url + "/")] * 2, timeouts=SOON)

        assert first.reused is False
        assert second.reused is reused
        assert peer.count == (1 if reused else 2)


def test_a_request_that_says_close_is_the_last_one_on_its_connection(colour: Colour) -> None:
    octets = b"HTTP/1.1 204 OK\r\n\r\n"

    with RawPeer(answering(octets, octets, hold=True)) as peer:
        closing = Request("GET", peer.url + "/", headers=[("Connection", "close")])
        _, second = fetch(colour, closing, Request("GET", peer.url + "/"), timeouts=SOON)

    assert second.reused is False


@pytest.mark.parametrize("file", ["own", "llhttp"])
def test_no_odd_response_hangs_or_lets_a_foreign_error_out(colour: Colour, file: str) -> None:
    """U-E5: all of the shared vectors."""
    strict = {
        # what llhttp refuses and RFC 9112 leaves to the recipient
        "response/connection/HTTP/1.1 with keep-alive disabled and 204 status",
        "response/connection/HTTP/1.1 with keep-alive disabled, content-length",
        "response/invalid/Only LFs present",
        "response/sample/No carriage ret",
        "response/transfer-encoding/Trailing space on chunked body",
        "response/transfer-encoding/No extension after semicolon",
    }
    for case in vectors(f"http1-responses/{file}.json"):
        began = time.monotonic()
        answered = _is_answered(colour, bytes.fromhex(case["hex"]))
        assert time.monotonic() - began < 4, case["id"]
        if "error" in case:
            assert answered is (case["error"] is None or case["id"] in strict) or case["id"] in _REFUSED, case["id"]


def _is_answered(colour: Colour, octets: bytes) -> bool:
    with RawPeer(answering(octets)) as peer:
        try:
            fetch(colour, Request("GET", peer.url + "/"), timeouts=SOON)
        except StableHTTPError as error:
            return error.sent == "no"
        return True


_REFUSED = {"response/sample/HTTP version 0.9"}
"""What llhttp takes and we do not: an answer to a protocol that nobody spoke."""
