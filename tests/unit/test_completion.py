"""Completing a request: `Host` first, framing decided and sealed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stablehttp import (
    URI,
    AnyRequest,
    BytesBody,
    FormBody,
    FramingError,
    InvalidFieldError,
    Request,
    SealedError,
    apply_content_type,
    with_progress,
)
from stablehttp._completion import complete


async def stream() -> AsyncIterator[bytes]:
    yield b"abc"


def completed(request: AnyRequest) -> list[tuple[str, str]]:
    complete(request)
    return list(request.headers)


def test_a_missing_host_is_put_first() -> None:
    """U-B10, U-K1."""
    assert completed(Request("GET", "https://u:p@A.test:443/x", headers=[("X", "1")])) == [
        ("Host", "A.test"),
        ("X", "1"),
    ]


def test_a_host_that_was_given_is_moved_to_the_front_as_it_is() -> None:
    """U-B10: an override is kept, spelling and value."""
    request = Request("GET", "https://a.test/", headers=[("X", "1"), ("hOsT", "B.test:8080")])

    assert completed(request) == [("hOsT", "B.test:8080"), ("X", "1")]


@pytest.mark.parametrize(
    ("target", "host"),
    [("*", "a.test"), ("b.test:443", "b.test:443"), ("http://b.test/", "a.test"), ("/[x]", "a.test")],
)
def test_the_host_of_a_verbatim_target_is_the_origin_or_the_authority_form(target: str, host: str) -> None:
    assert completed(Request("OPTIONS", URI.verbatim("http://a.test", target)))[0] == ("Host", host)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_an_empty_body_has_a_length_where_content_is_expected(method: str) -> None:
    """U-H1."""
    assert ("Content-Length", "0") in completed(Request(method, "http://a/"))


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "CUSTOM"])
def test_an_empty_body_adds_nothing_elsewhere(method: str) -> None:
    """S8, U-B2."""
    assert completed(Request(method, "http://a/")) == [("Host", "a")]


def test_the_type_of_content_is_added_only_if_asked_for_and_only_where_there_is_content_of_unknown_type() -> None:
    """S7, S8."""
    form = with_progress(FormBody({"a": "b"}), lambda _: None)
    requests = {
        "application/octet-stream": Request("PUT", "http://a/", body=b"abc"),
        "text/csv": Request("PUT", "http://a/", headers=[("content-type", "text/csv")], body=stream()),
        "application/x-www-form-urlencoded": Request("POST", "http://a/", body=form),
        None: Request("POST", "http://a/"),
    }

    for request in requests.values():
        apply_content_type(request)
        apply_content_type(request, "other/type")

    assert {request.headers.get("content-type"): request for request in requests.values()} == requests
    assert "content-type" not in [name.lower() for name, _ in completed(Request("PUT", "http://a/", body=b"abc"))]


def test_a_known_length_is_declared_and_an_unknown_one_is_chunked() -> None:
    """U-H1, S2."""
    assert completed(Request("GET", "http://a/", body=b"abc"))[1:] == [("Content-Length", "3")]
    assert completed(Request("GET", "http://a/", body=stream()))[1:] == [("Transfer-Encoding", "chunked")]


def test_a_declared_length_of_a_stream_is_kept_where_it_stands() -> None:
    request = Request("PUT", "http://a/", headers=[("content-length", "3"), ("X", "1")], body=stream())

    assert completed(request) == [("Host", "a"), ("content-length", "3"), ("X", "1")]


def test_trailers_are_announced_and_make_the_content_chunked() -> None:
    request = Request("PUT", "http://a/", body=b"abc", trailers=[("X-Sum", "1"), ("X-More", "2")])

    assert completed(request)[1:] == [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum, X-More")]


def test_trailers_behind_a_declared_length_are_refused() -> None:
    with pytest.raises(FramingError, match="trailers follow chunked content only"):
        complete(Request("PUT", "http://a/", headers=[("Content-Length", "3")], body=b"abc", trailers=[("X", "1")]))


def test_a_trailer_that_comes_too_late_is_refused_however_it_got_there() -> None:
    request = Request("PUT", "http://a/", body=stream())
    request.trailers.add("Content-Length", "3")

    with pytest.raises(InvalidFieldError, match="may not stand in trailers"):
        complete(request)


def test_trailers_are_sealed_when_they_are_announced() -> None:
    request = Request("PUT", "http://a/", body=b"abc")
    complete(request)

    with pytest.raises(SealedError, match="the framing of the message"):
        request.trailers.add("X-Sum", "1")


def test_framing_made_wrong_after_building_is_refused() -> None:
    request: Request[BytesBody] = Request("PUT", "http://a/", body=b"abc")
    request.headers.set("Content-Length", "7")

    with pytest.raises(FramingError, match="says 7 octets and the body has 3"):
        complete(request)


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Transfer-Encoding", "Trailer"])
def test_what_decides_framing_is_sealed_even_when_nobody_signs(name: str) -> None:
    request = Request("PUT", "http://a/", body=b"abc")
    complete(request)

    with pytest.raises(SealedError, match="the framing of the message"):
        request.headers.set(name, "x")
