"""`Request` and `Response`: valid when built, and owners of their fields."""

from __future__ import annotations

import copy
import pickle
from collections.abc import AsyncIterator, Iterator

import pytest

from stablehttp import (
    URI,
    BodyTakenError,
    BytesBody,
    ContentTooLargeError,
    Extensions,
    Fields,
    FramingError,
    HttpVersion,
    InvalidBodyError,
    InvalidFieldError,
    InvalidMethodError,
    InvalidStatusError,
    InvalidURIError,
    Request,
    Response,
    SealedError,
    Timeouts,
    secret,
)
from stablehttp._message import derive, seal, seal_whole

URL = "https://a.test/x"


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def pieces(*parts: bytes) -> Iterator[bytes]:
    yield from parts


def test_a_request_is_what_it_was_given_and_adds_nothing() -> None:
    request = Request("pAtCh", URL, headers={"X-A": "1"}, body=b"abc")

    assert request.method == "pAtCh"
    assert request.target == "/x"
    assert list(request.headers) == [("X-A", "1")]
    assert request.body.content == b"abc"


@pytest.mark.parametrize("method", ["", " ", "G ET", "GET\n", "GÉT", "GET:", None, b"GET"])
def test_a_method_that_is_no_token_is_refused_when_built_and_when_assigned(method: str) -> None:
    """U-I2."""
    request = Request("GET", URL)

    with pytest.raises(InvalidMethodError):
        Request(method, URL)
    with pytest.raises(InvalidMethodError):
        request.method = method

    assert request.method == "GET"


def test_a_uri_is_checked_when_assigned() -> None:
    request = Request("GET", URL)

    with pytest.raises(InvalidURIError):
        request.uri = "/relative"  # type: ignore[assignment]
    request.uri = "https://b.test/y"  # type: ignore[assignment]

    assert request.uri == URI("https://b.test/y")


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Length", "3"), ("Transfer-Encoding", "chunked")],
        [("Content-Length", "3"), ("Content-Length", "3")],
        [("Content-Length", "4")],
        [("Content-Length", "+3")],
        [("Content-Length", "3,3")],
        [("Content-Length", "")],
        [("Transfer-Encoding", "gzip, chunked")],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
    ],
    ids=lambda headers: " ".join(f"{name}: {value}" for name, value in headers),
)
def test_framing_that_could_be_read_in_two_ways_cannot_be_built(headers: list[tuple[str, str]]) -> None:
    """U-H3, U-I4."""
    with pytest.raises(FramingError):
        Request("POST", URL, headers=headers, body=b"abc")


def test_framing_that_agrees_with_the_body_is_kept() -> None:
    """U-H1: a caller-declared length is kept for any stream."""
    Request("POST", URL, headers=[("Content-Length", "3")], body=b"abc")
    Request("POST", URL, headers=[("Content-Length", "3")], body=pieces(b"abc"))
    Request("POST", URL, headers=[("Transfer-Encoding", "chunked")], body=pieces(b"abc"))


@pytest.mark.parametrize("host", [["a", "b"], ["a/b"], ["a b"], ["u@a"], ["a:x"], ["[::1"]])
def test_a_host_that_is_repeated_or_no_authority_is_refused(host: list[str]) -> None:
    with pytest.raises(InvalidFieldError, match="'Host'"):
        Request("GET", URL, headers=[("Host", value) for value in host])


@pytest.mark.parametrize("body", ["text", {"a": 1}, 3, object()])
def test_what_is_no_body_is_refused_by_name(body: object) -> None:
    """U-H5, S5."""
    with pytest.raises(InvalidBodyError, match="body .*bytes"):
        Request("POST", URL, body=body)  # type: ignore[call-overload]


def test_a_writable_buffer_is_copied_when_given() -> None:
    buffer = bytearray(b"abc")

    request = Request("POST", URL, body=buffer)
    buffer[0] = 0

    assert request.body.content == b"abc"


def test_content_in_memory_is_not_copied() -> None:
    content = b"abc" * 100

    assert Request("POST", URL, body=content).body.content is content


@pytest.mark.parametrize("name", ["Content-Length", "Host", "Authorization", "transfer-encoding", "Trailer"])
def test_a_field_that_would_come_too_late_may_not_stand_in_trailers(name: str) -> None:
    with pytest.raises(InvalidFieldError, match="may not stand in trailers"):
        Request("POST", URL, trailers=[(name, "1")])


def test_fields_given_are_copied() -> None:
    given = Fields([("A", "1")])

    request = Request("GET", URL, headers=given)
    request.headers.add("B", "2")

    assert list(given) == [("A", "1")]


def test_a_copy_shares_nothing_that_changes() -> None:
    extensions = Extensions([Timeouts(read=1)])
    request = Request("POST", URL, headers=[("A", "1")], body=b"abc", trailers=[("T", "1")], extensions=extensions)

    for other in (request.copy(), copy.copy(request), copy.deepcopy(request), pickle.loads(pickle.dumps(request))):
        assert other == request
        other.headers.add("B", "2")
        other.trailers.remove("T")
        other.extensions.remove(Timeouts)

    assert list(request.headers) == [("A", "1")]
    assert list(request.trailers) == [("T", "1")]
    assert request.extensions[Timeouts] == Timeouts(read=1)


def test_a_request_whose_body_can_be_read_once_cannot_be_copied_or_pickled() -> None:
    request = Request("POST", URL, body=chunks(b"a"))

    with pytest.raises(BodyTakenError, match="with_body"):
        request.copy()
    with pytest.raises(BodyTakenError):
        copy.deepcopy(request)
    with pytest.raises(TypeError, match="can be pickled if its content is bytes"):
        pickle.dumps(request)


def test_with_body_gives_a_new_request_without_the_old_framing() -> None:
    request = Request("POST", URL, headers=[("Content-Length", "3"), ("A", "1")], body=b"abc")

    other = request.with_body(b"longer")

    assert other.body == BytesBody(b"longer")
    assert list(other.headers) == [("A", "1")]
    assert list(request.headers) == [("Content-Length", "3"), ("A", "1")]


def test_a_sealed_part_names_itself_and_who_relies_on_it() -> None:
    """U-B8."""
    request = Request("GET", URL, headers=[("A", "1"), ("B", "2")])
    seal(request, frozenset({"@method", "@request-target", "a"}), "the signature by SigV4")

    with pytest.raises(SealedError, match="the method of the request may not change any more: the signature by SigV4"):
        request.method = "PUT"
    with pytest.raises(SealedError, match="uri"):
        request.uri = URI("https://b.test/")
    with pytest.raises(SealedError, match="field 'a'"):
        request.headers.set("A", "2")
    request.headers.set("B", "3")

    assert request.sealed_by == "the signature by SigV4"
    unsealed = request.copy()
    unsealed.method = "PUT"
    unsealed.headers.set("A", "2")
    assert unsealed.sealed_by is None


def test_a_request_sealed_as_a_whole_refuses_every_change() -> None:
    request = Request("GET", URL)
    seal_whole(request, "the connector")

    with pytest.raises(SealedError):
        request.headers.add("New", "1")
    with pytest.raises(SealedError):
        request.trailers.add("New", "1")


def test_deriving_keeps_the_body_and_unseals() -> None:
    request = Request("POST", URL, body=chunks(b"a"))
    seal_whole(request, "x")

    derived = derive(request)
    derived.headers.add("A", "1")

    assert derived.body is request.body
    assert len(request.headers) == 0


def test_repr_shows_no_field_value_and_no_secret() -> None:
    """U-I5, U-E6."""
    request = Request(
        "GET", "https://u:MARKER@a.test/?X-Amz-Signature=MARKER", headers=[("Authorization", "MARKER"), ("X", "MARKER")]
    )

    assert "MARKER" not in repr(request)
    assert "MARKER" not in f"{request}"


# --- responses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [99, 1000, "200", 200.0, True, None])
def test_a_status_is_an_integer_from_100_to_999(status: int) -> None:
    with pytest.raises(InvalidStatusError):
        Response(status)


async def test_a_response_can_be_built_by_hand_and_read_in_both_colours() -> None:
    """U-C3."""
    response = Response(
        201, headers=[("A", "1")], body=b"abc", reason="Made", trailers=[("T", "1")], http_version=HttpVersion.HTTP_2
    )

    assert response.read() == await response.aread() == b"abc"
    assert (response.status, response.reason, response.ok) == (201, "Made", True)
    assert response.trailers["T"] == "1"
    assert response.http_version is HttpVersion.HTTP_2


async def test_content_is_kept_once_it_was_read() -> None:
    response = Response(200, body=chunks(b"a", b"", b"b"))

    assert await response.aread() == b"ab"
    assert await response.aread() == b"ab"


async def test_reading_more_than_the_limit_is_an_error_and_not_a_heap_of_memory() -> None:
    with pytest.raises(ContentTooLargeError, match="2 octets"):
        await Response(200, body=chunks(b"ab", b"c")).aread(limit=2)
    with pytest.raises(ContentTooLargeError):
        Response(200, body=b"abc").read(limit=2)


async def test_a_stream_can_be_read_once_and_the_error_says_who_did() -> None:
    response = Response(200, body=chunks(b"a"))
    assert [chunk async for chunk in response.body] == [b"a"]

    with pytest.raises(BodyTakenError, match="by the caller"):
        await response.aread()


def test_an_iterable_that_is_not_its_own_iterator_can_be_read_again() -> None:
    response = Response(200, body=[b"a", b"b"])

    assert list(response.body) == list(response.body) == [b"a", b"b"]


async def test_a_body_that_gives_text_is_an_error() -> None:
    with pytest.raises(InvalidBodyError, match="gave a str, and content is bytes"):
        Response(200, body=["text"]).read()  # type: ignore[list-item]


def test_repr_of_a_response_shows_no_field_value() -> None:
    assert "MARKER" not in repr(Response(200, headers=[("Set-Cookie", "MARKER")], body=b"MARKER"))


def test_parts_and_back_lose_nothing() -> None:
    request = Request(
        "PUT", "https://a.test/x", headers=[("A", "1")], body=b"abc", trailers=[("T", "1")],
        extensions=Extensions([Timeouts(read=1)]),
    )  # fmt: skip

    parts = request.parts()
    again = Request.from_parts(parts)
    parts.headers.add("B", "2")

    assert again == request
    assert again.extensions == request.extensions
    assert list(request.headers) == [("A", "1")]


@pytest.mark.parametrize("uri", ["https://b.test/x", "http://a.test/x", "https://a.test:8443/x"])
def test_aiming_at_another_origin_leaves_credentials_and_secrets_behind(uri: str) -> None:
    """U-I6."""
    request = Request(
        "GET",
        "https://a.test/x",
        headers=[
            ("Host", "a.test"), ("Authorization", "1"), ("X-Own", "open"), ("x-own", secret("1")), ("Cookie", "c"),
            ("X-Amz-Security-Token", "t"), ("authorization", "2"), ("Accept", "*/*"),
        ],
    )  # fmt: skip

    other = request.retarget(uri)

    assert list(other.headers) == [("Accept", "*/*")]
    assert len(request.headers) == 8


def test_aiming_at_the_same_origin_keeps_all_lines() -> None:
    request = Request("GET", "https://a.test/x", headers=[("Authorization", "1")])

    assert list(request.retarget("https://A.test:443/y").headers) == [("Authorization", "1")]
