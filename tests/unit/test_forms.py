"""Forms: what is written is what another reader reads."""

from __future__ import annotations

import email
import email.policy
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablehttp import (
    AsyncMultipartBody,
    BodyColourError,
    BodyTakenError,
    DualBody,
    FileBody,
    FormBody,
    InvalidBodyError,
    InvalidFieldError,
    IterableBody,
    MultipartBody,
    Part,
    Request,
    SyncMultipartBody,
)

text = st.text(st.characters(exclude_categories=["Cs"]))
names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1)


def parse(content_type: str, content: bytes) -> list[tuple[str | None, str | None, bytes]]:
    """Name, filename and content of each part, as the standard library reads them."""
    whole = f"Content-Type: {content_type}\r\n\r\n".encode() + content
    message = email.message_from_bytes(whole, policy=email.policy.HTTP)
    found = []
    for part in message.iter_parts():
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        disposition = part["content-disposition"].params
        found.append((disposition.get("name"), disposition.get("filename"), payload))
    return found


def content(body: DualBody) -> bytes:
    return b"".join(body.chunks())


@given(st.lists(st.tuples(text, text)))
def test_a_form_is_read_as_it_was_written(fields: list[tuple[str, str]]) -> None:
    body = FormBody(fields)

    assert parse_qsl(body.content.decode("ascii"), keep_blank_values=True, strict_parsing=bool(fields)) == fields
    assert body.length == len(body.content)


def test_a_form_is_encoded_as_browsers_do() -> None:
    """The URL standard's serialiser: `*-._` stay, a space is a plus, `~` is escaped."""
    assert FormBody({"a b": "*-._~", "é": "&=+%"}).content == b"a+b=*-._%7E&%C3%A9=%26%3D%2B%25"


def test_a_form_takes_str_only() -> None:
    with pytest.raises(InvalidBodyError, match="a field of a form is a str, not int"):
        FormBody({"a": 1})  # type: ignore[arg-type]
    with pytest.raises(InvalidBodyError, match="surrogate"):
        FormBody({"a": "\ud800"})


async def test_forms_say_their_content_type_and_add_it_to_no_request() -> None:
    """S7, U-B2: no Content-Type is added unasked."""
    form, parts = FormBody({"a": "b"}), MultipartBody([Part("a", b"b")], boundary="x")

    assert form.content_type == "application/x-www-form-urlencoded"
    assert parts.content_type == "multipart/form-data; boundary=x"
    for body in (form, parts):
        assert "content-type" not in Request("POST", "http://a/", body=body).headers
        assert b"".join([chunk async for chunk in body]) == b"".join(body.chunks())


def test_multipart_looks_as_rfc_7578_says() -> None:
    body = MultipartBody(
        [Part("a", b"1"), Part("f", io.BytesIO(b"2"), filename="é.txt", content_type="text/plain", headers={"X": "y"})],
        boundary="bb",
    )

    assert (
        content(body)
        == (
            '--bb\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
            '--bb\r\nContent-Disposition: form-data; name="f"; filename="é.txt"\r\n'
            "X: y\r\nContent-Type: text/plain\r\n\r\n2\r\n--bb--\r\n"
        ).encode()
    )


@given(st.lists(st.tuples(names, st.none() | names, st.binary()), min_size=1, max_size=5))
def test_multipart_has_the_length_it_says_and_is_replayable(parts: list[tuple[str, str | None, bytes]]) -> None:
    """U-H1, U-H4."""
    body = MultipartBody([Part(name, octets, filename=filename) for name, filename, octets in parts])

    assert body.length == len(content(body))
    assert body.replayable
    assert content(body) == content(body)


ascii_names = st.text("abcXYZ0189_-. []", min_size=1).map(str.strip).filter(bool)


@given(st.lists(st.tuples(ascii_names, st.none() | ascii_names, st.text("ab \n-")), min_size=1, max_size=5))
def test_multipart_is_read_by_the_standard_library_as_it_was_written(
    parts: list[tuple[str, str | None, str]],
) -> None:
    body = MultipartBody(
        [Part(n, c.encode(), filename=f, content_type="application/octet-stream") for n, f, c in parts]
    )

    found = parse(body.content_type, content(body))

    assert [(name, filename) for name, filename, _ in found] == [(name, filename) for name, filename, _ in parts]
    for (_, _, octets), (_, _, given_text) in zip(found, parts, strict=True):
        assert octets.replace(b"\r\n", b"\n") == given_text.encode(), "the parser of mail reads lines"


@given(st.lists(st.tuples(names, st.none() | names, st.binary()), min_size=1, max_size=5))
def test_multipart_is_read_octet_for_octet_by_a_parser_for_servers(
    parts: list[tuple[str, str | None, bytes]],
) -> None:
    multipart = pytest.importorskip("python_multipart")
    body = MultipartBody([Part(name, octets, filename=filename) for name, filename, octets in parts])
    found: list[tuple[bytes, bytes | None, bytes]] = []

    form = multipart.create_form_parser(
        {"Content-Type": body.content_type.encode()},
        lambda field: found.append((field.field_name, None, field.value or b"")),
        lambda file: found.append((file.field_name, file.file_name, file.file_object.getvalue())),
    )
    form.write(content(body))
    form.finalize()

    expected = [(n.encode(), None if f is None else f.encode(), octets) for n, f, octets in parts]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize("bad", ["a\r\nX: 1", "a\nb", "a\x00", 'a"; filename="b', "a\\", "\x7f", "\ud800"])
def test_a_name_that_could_be_read_in_two_ways_is_refused(bad: str) -> None:
    """U-I1: CR, LF, NUL and quotes in part headers."""
    with pytest.raises(InvalidBodyError, match="name of a part holds") as caught:
        Part(bad, b"")
    with pytest.raises(InvalidBodyError, match="filename of a part holds"):
        Part("a", b"", filename=bad)

    assert bad not in str(caught.value)


def test_bad_lines_of_a_part_are_refused() -> None:
    """U-I1."""
    with pytest.raises(InvalidFieldError):
        Part("a", b"", headers=[("X", "a\r\nb")])
    with pytest.raises(InvalidFieldError):
        Part("a", b"", content_type="text/plain\r\nX: 1")
    for own in ("Content-Disposition", "content-length"):
        with pytest.raises(InvalidBodyError, match="may not set field"):
            Part("a", b"", headers=[(own, "1")])
    with pytest.raises(InvalidBodyError, match="content of part 'a' is a str, and content is bytes"):
        Part("a", "text")


@pytest.mark.parametrize("bad", ["", "a" * 71, "a ", "a\r\nb", 'a"', "é"])
def test_a_boundary_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(InvalidBodyError, match="boundary must be"):
        MultipartBody([Part("a", b"")], boundary=bad)


def test_a_boundary_that_stands_in_a_part_is_refused_and_one_with_odd_characters_is_quoted() -> None:
    with pytest.raises(InvalidBodyError, match="boundary stands in part 'a'"):
        MultipartBody([Part("a", b"x\r\n--bb\r\n")], boundary="bb")

    assert MultipartBody([Part("a", b"")], boundary="b b:c").content_type == 'multipart/form-data; boundary="b b:c"'


def test_a_form_without_parts_is_refused() -> None:
    with pytest.raises(InvalidBodyError, match="at least one part"):
        MultipartBody([])


async def test_streams_inside_decide_colour_length_and_replayability(tmp_path: Path) -> None:
    """U-H4, U-H5."""

    async def stream() -> AsyncIterator[bytes]:
        yield b"async"

    def pieces() -> Iterator[bytes]:
        yield b"sync"

    path = tmp_path / "f"
    path.write_bytes(b"file")
    file = Part("f", FileBody.from_path(path))
    assert MultipartBody([file]).length is not None
    with pytest.raises(BodyColourError, match="use AsyncMultipartBody"):
        MultipartBody([Part("s", stream()), file])
    with pytest.raises(BodyColourError, match="use AsyncMultipartBody"):
        SyncMultipartBody([Part("s", stream())])
    with pytest.raises(BodyColourError, match="use SyncMultipartBody"):
        AsyncMultipartBody([Part("s", pieces())])

    asynchronous = AsyncMultipartBody([Part("s", stream()), file], boundary="b")
    synchronous = SyncMultipartBody([Part("s", IterableBody(pieces(), length=4)), file], boundary="b")

    assert (asynchronous.length, asynchronous.replayable) == (None, False)
    assert [p[2] for p in parse("multipart/form-data; boundary=b", b"".join([c async for c in asynchronous]))] == [
        b"async", b"file",
    ]  # fmt: skip
    sent = b"".join(synchronous)
    assert len(sent) == synchronous.length
    with pytest.raises(BodyTakenError):
        b"".join(synchronous)


def test_a_part_that_gives_another_length_than_it_said_is_stopped() -> None:
    """U-H2: its octets would be read as the next part's head."""
    for given_octets, how in ((b"abc", "more"), (b"a", "fewer")):
        body = SyncMultipartBody([Part("a", IterableBody([given_octets], length=2)), Part("b", b"")])
        with pytest.raises(InvalidBodyError, match=f"{how} octets than the 2"):
            list(body)
