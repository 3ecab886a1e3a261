"""The canonical forms of targets and fields, by rule (W11, U-B4)."""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

import pytest

from stablehttp._errors import SigningError
from stablehttp.signers._canonical_fields import canonical_fields, merge_fields
from stablehttp.signers._canonical_target import canonical_path, canonical_query, split_target

NOTHING: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/", "/"),
        ("/key", "/key"),
        ("/a%20b", "/a%2520b"),
        ("/a b", "/a%20b"),
        ("/\u1234", "/%E1%88%B4"),
        ("/a/../b", "/b"),
        ("/a/../../b", "/b"),
        ("/..", "/"),
        ("/a/.", "/a"),
        ("/a/./", "/a/"),
        ("//a//b//", "/a/b/"),
        ("/.a/..b/...", "/.a/..b/..."),
        ("/-._~/$delete", "/-._~/%24delete"),
    ],
)
def test_a_path_is_normalized_and_encoded_twice_for_most_services(path: str, form: str) -> None:
    assert canonical_path(path, "twice", "normalized") == form


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/a%20b", "/a%20b"),
        ("/a b", "/a%20b"),
        ("/a//b/./../c", "/a//b/./../c"),
        ("/a%2fb", "/a/b"),
        ("/%7e%41", "/~A"),
        ("/it's(1)+2", "/it%27s%281%29%2B2"),
        ("/a%2520", "/a%2520"),
        ("/%ff", "/%FF"),
        ("/100%", "/100%25"),
    ],
)
def test_a_path_is_what_s3_finds_by_decoding_and_encoding_once(path: str, form: str) -> None:
    assert canonical_path(path, "once", "as-sent") == form


@pytest.mark.parametrize(
    ("query", "form"),
    [
        ("", ""),
        ("a", "a="),
        ("a=&b", "a=&b="),
        ("b=2&a=1", "a=1&b=2"),
        ("a=2&a=1&A=3", "A=3&a=1&a=2"),
        ("a=x=y", "a=x%3Dy"),
        ("a=%7e%41", "a=~A"),
        ("a=b+c%2Bd", "a=b%20c%2Bd"),
        ("a=/?:@", "a=%2F%3F%3A%40"),
        ("&&a=1&&", "a=1"),
        ("a-b=1&a=1", "a=1&a-b=1"),
        ("\u1234=bar", "%E1%88%B4=bar"),
        ("a=%ff", "a=%FF"),
    ],
)
def test_a_query_is_encoded_and_sorted_by_name_then_by_value(query: str, form: str) -> None:
    assert canonical_query(query) == form


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("/a?b?c", ("/a", "b?c")),
        ("?b", ("/", "b")),
        ("https://a.test/b?c", ("/b", "c")),
        ("https://a.test", ("/", "")),
        ("/a://b", ("/a://b", "")),
    ],
)
def test_a_target_is_split_at_its_first_question_mark(target: str, parts: tuple[str, str]) -> None:
    assert split_target(target) == parts


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(SigningError, match="half a surrogate pair"):
        canonical_path("/\ud800", "once", "as-sent")
    with pytest.raises(SigningError, match="half a surrogate pair"):
        canonical_path("/\ud800", "twice", "as-sent")
    with pytest.raises(SigningError, match="half a surrogate pair"):
        canonical_query("\ud800")


@pytest.mark.parametrize(
    ("lines", "form"),
    [
        ([("B", "2"), ("A", "1")], "a:1\nb:2\n"),
        ([("A", "2"), ("a", "1"), ("A", "2")], "a:2,1,2\n"),
        ([("A", 'x,"y, z"'), ("A", "w")], 'a:x,"y, z",w\n'),
        ([("A", "  1   2  ")], "a:1 2\n"),
        ([("A", "\t1 \t 2\t")], "a:1 2\n"),
        ([("A", "1 "), ("A", " 2")], "a:1,2\n"),
        ([("A", "")], "a:\n"),
        ([("A", ""), ("A", "1")], "a:,1\n"),
        ([("A", '"a   b"')], 'a:"a b"\n'),
        ([("A", "b: c"), ("A-B", "1")], "a:b: c\na-b:1\n"),
        ([("X", "\u00a01\u00a0")], "x:\u00a01\u00a0\n"),
    ],
    ids=[
        *("sorted", "repeated", "not quoted", "spaces", "tabs", "trimmed before joining", "empty", "empty and not"),
        *("quoted", "colon", "no-break space is an octet"),
    ],
)
def test_lines_become_one_tidy_line_a_name(lines: list[tuple[str, str]], form: str) -> None:
    names = sorted({name.lower() for name, _ in lines})

    assert canonical_fields(merge_fields(lines, NOTHING)) == (form, ";".join(names))


@pytest.mark.parametrize("case", ["upper", "lower"])
def test_every_octet_has_one_spelling_in_a_path_and_in_a_query(case: str) -> None:
    """What passes without being encoded again is what encoding it again would give."""
    for octet in range(256):
        sent = f"%{octet:02X}" if case == "upper" else f"%{octet:02x}"

        assert canonical_path(f"/a{sent}b", "once", "as-sent") == "/" + quote(unquote_to_bytes(f"a{sent}b"), safe="/~")
        for query in (f"a{sent}=", f"a={sent}b", f"{sent}={sent}"):
            name, _, value = query.partition("=")
            again = [quote(unquote_to_bytes(part), safe="~") for part in (name, value)]
            assert canonical_query(query) == "=".join(again)
