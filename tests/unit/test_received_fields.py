"""Sections as they were received: the octets of the peer, read one name at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablehttp import InvalidResponseError
from stablehttp.adapting import adopt, receive_fields, receive_line

NAMES = st.sampled_from([b"Set-Cookie", b"set-cookie", b"ETag", b"Vary", b"X-Unheard-Of", b"vary", b"Content-Length"])
VALUES = st.one_of(
    st.binary(max_size=6).filter(lambda octets: not set(octets) & set(b"\0\r\n")),
    st.sampled_from([b" a ", b"a\r\n b", b"\xe9", b"\t"]),
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_a_received_section_shows_what_its_lines_show_one_by_one(lines: list[tuple[bytes, bytes]]) -> None:
    received, plain = receive_fields(lines), adopt([receive_line(name, value) for name, value in lines])

    for name in ("set-cookie", "ETag", "VARY", "x-unheard-of", "Missing", "content-length"):
        assert received.values(name) == plain.values(name)
        assert (name in received) == (name in plain)
    assert list(received) == list(plain)


def test_changing_a_received_section_leaves_the_lines_of_the_client_alone() -> None:
    lines = [(b"A", b"1"), (b"B", b"2")]
    received = receive_fields(lines)

    received.set("A", "3")

    assert list(received) == [("A", "3"), ("B", "2")]
    assert lines == [(b"A", b"1"), (b"B", b"2")]


@pytest.mark.parametrize(
    "line",
    [(b"A B", b"1"), (b"", b"1"), (b"\xe9", b"1"), (b"A", b"a\0b"), (b"A", b"a\rb"), (b"A", b"a\nb")],
    ids=["blank in a name", "no name", "octet in a name", "NUL", "CR", "LF"],
)
def test_a_line_that_http_does_not_allow_is_an_invalid_response(line: tuple[bytes, bytes]) -> None:
    with pytest.raises(InvalidResponseError):
        receive_fields([(b"Host", b"a"), line])
