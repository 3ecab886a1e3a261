"""`URI` against RFC 3986's own regular expression, and against itself."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

from hypothesis import given
from hypothesis import strategies as st

from stablehttp import URI, InvalidURIError

UNRESERVED = "abcXYZ019-._~"
SUB_DELIMS = "!$&'()*+,;="
PCHAR = st.one_of(st.sampled_from(UNRESERVED + SUB_DELIMS + ":@"), st.sampled_from(["%2F", "%2f", "%7e", "%00", "%E2"]))
PATH = st.lists(st.one_of(PCHAR, st.just("/")), max_size=8).map(lambda parts: "/" + "".join(parts))
QUERY = st.lists(st.one_of(PCHAR, st.sampled_from("/?")), max_size=8).map("".join)
SEGMENT = st.text(min_size=1, max_size=5).filter(lambda text: text not in (".", "..") and text.isprintable())


@given(PATH, st.one_of(st.none(), QUERY), st.one_of(st.none(), QUERY))
def test_every_valid_uri_is_kept_byte_for_byte(path: str, query: str | None, fragment: str | None) -> None:
    target = path + ("" if query is None else f"?{query}")
    text = f"https://a.test:8443{target}" + ("" if fragment is None else f"#{fragment}")

    uri = URI(text)

    assert str(uri) == text
    assert uri.target == target
    assert (uri.path, uri.query, uri.fragment) == (path, query, fragment)


@given(st.lists(SEGMENT, max_size=4), st.lists(st.tuples(SEGMENT, SEGMENT), max_size=3))
def test_what_is_built_from_parts_decodes_into_the_parts(segments: list[str], query: list[tuple[str, str]]) -> None:
    try:
        uri = URI.build("https", "a.test", segments=segments, query=query)
    except UnicodeEncodeError:
        return

    assert [unquote(segment) for segment in uri.path.split("/")[1:]] == (segments or [""])
    assert parse_qsl(uri.query or "", keep_blank_values=True) == query


@given(st.text(max_size=20))
def test_any_text_is_kept_or_refused(text: str) -> None:
    for given_text in (text, f"http://{text}", f"http://a.test/{text}"):
        try:
            uri = URI(given_text)
        except InvalidURIError:
            continue
        assert str(uri) == given_text
        assert uri.target.isascii()
        assert uri.target.isprintable()
        assert " " not in uri.target
        assert "#" not in uri.target


@given(PATH, st.one_of(PATH, QUERY))
def test_resolving_a_reference_with_an_absolute_path_keeps_its_text_if_it_has_no_dot_segments(
    base: str, reference: str
) -> None:
    if not reference.startswith("/") or reference.startswith("//") or "/." in reference:
        return

    assert URI(f"http://a.test{base}").resolve(reference).target == reference
