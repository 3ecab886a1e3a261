"""Lists, quoted strings, media types and dates, strictly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablehttp import (
    InvalidFieldError,
    MediaType,
    format_http_date,
    join_list,
    parse_http_date,
    quote,
    split_list,
    unquote,
)


@pytest.mark.parametrize(
    ("value", "members"),
    [
        ("", []),
        (" , ,", []),
        ("a", ["a"]),
        ("a, b ,c", ["a", "b", "c"]),
        ('"a,b", c', ['"a,b"', "c"]),
        (r'"a\",b",c', [r'"a\",b"', "c"]),
        ('x="1,2";y=3, z', ['x="1,2";y=3', "z"]),
        ("a  b,\tc", ["a  b", "c"]),
    ],
)
def test_a_list_is_split_at_commas_outside_quotes(value: str, members: list[str]) -> None:
    assert split_list(value) == members


@pytest.mark.parametrize("value", ['"a', 'a, "b', '"\\"', 'a"b,c'])
def test_a_quoted_string_that_does_not_end_is_refused(value: str) -> None:
    with pytest.raises(InvalidFieldError):
        split_list(value)


@given(st.lists(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E))))
def test_what_was_quoted_and_joined_is_found_again(texts: list[str]) -> None:
    assert [unquote(member) for member in split_list(join_list([quote(text) for text in texts]))] == texts


@pytest.mark.parametrize("member", ["", "a,b", '"a', " a", "a\n"])
def test_a_member_that_would_read_as_something_else_is_not_joined(member: str) -> None:
    with pytest.raises(InvalidFieldError):
        join_list([member])


def test_a_media_type_is_read_with_its_parameters() -> None:
    media = MediaType.parse('Text/HTML ; Charset="UTF-8";x="a\\"b,;" ;')

    assert (media.essence, media.charset) == ("text/html", "utf-8")
    assert dict(media.parameters) == {"charset": "UTF-8", "x": 'a"b,;'}
    assert str(media) == 'text/html; charset=UTF-8; x="a\\"b,;"'
    assert MediaType.parse(str(media)) == media


@pytest.mark.parametrize(
    "value", ["", "text", "/", "a/", "a b/c", "a/b;c", "a/b; c", "a/b;c=", "a/b;c=1;C=2", 'a/b;c="']
)
def test_what_is_no_media_type_is_refused(value: str) -> None:
    with pytest.raises(InvalidFieldError):
        MediaType.parse(value)


def test_a_moment_becomes_an_http_date_and_comes_back() -> None:
    moment = datetime(1994, 11, 6, 9, 49, 37, 999, tzinfo=timezone(timedelta(hours=1)))

    assert format_http_date(moment) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "", "Sunday, 06-Nov-94 08:49:37 GMT", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", " Sun, 06 Nov 1994 08:49:37 GMT",
    ],
)  # fmt: skip
def test_what_is_no_http_date_is_refused(value: str) -> None:
    with pytest.raises(InvalidFieldError):
        parse_http_date(value)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(InvalidFieldError, match="time zone"):
        format_http_date(datetime(2026, 1, 1))  # noqa: DTZ001 (the point of the test)
