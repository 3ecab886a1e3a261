"""`URI`: the text that was given, or a refusal."""

from __future__ import annotations

import pickle

import pytest

from stablehttp import URI, InvalidURIError

TARGETS = [
    "/", "/?", "/a%2Fb%2fc", "/%27%3A%28%7E%2B%25", "/~!@(),;:+", "//", "//a//", "/./a", "/a/../b", "/a/.", "/a/..",
    "/?a=1&", "/?flag", "/?a&a=1&a=2&b=", "/?q='x'", "/;v=1/b;c", "/?x=%7e/?:@", "/a%20b?c%20d", "/%E2%82%AC",
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_the_target_is_what_was_given(target: str) -> None:
    """U-B1."""
    uri = URI(f"https://a.test{target}")

    assert uri.target == target
    assert str(uri) == f"https://a.test{target}"


def test_parts_are_read_without_decoding() -> None:
    uri = URI("HTTPS://us%65r:p%40ss@Ex-Ample.test:8443/a%2Fb;c?d=%20&e#f%20g")

    assert (uri.scheme, uri.userinfo, uri.host, uri.port) == ("https", "us%65r:p%40ss", "Ex-Ample.test", 8443)
    assert (uri.path, uri.query, uri.fragment) == ("/a%2Fb;c", "d=%20&e", "f%20g")
    assert uri.target == "/a%2Fb;c?d=%20&e"
    assert uri.origin == "https://ex-ample.test:8443"
    assert uri.authority == "Ex-Ample.test:8443"


@pytest.mark.parametrize(
    ("text", "authority", "origin"),
    [
        ("http://a", "a", "http://a"),
        ("http://a:80/", "a", "http://a"),
        ("http://a:/", "a", "http://a"),
        ("https://a:80/", "a:80", "https://a:80"),
        ("http://[::1]:8080/", "[::1]:8080", "http://[::1]:8080"),
        ("http://u:p@A.Test/", "A.Test", "http://a.test"),
    ],
)
def test_the_authority_has_no_userinfo_and_no_default_port(text: str, authority: str, origin: str) -> None:
    uri = URI(text)

    assert uri.authority == authority
    assert uri.origin == origin


@pytest.mark.parametrize(
    "text",
    [
        "", "/a", "a.test", "//a.test/", "ftp://a/", "http:///", "http://:80/", "http://u@/", "http://a b/",
        "http://a/ b", "http://a/b\r\n", "http://a/é", "http://é/", "http://a/?q=é", "http://a/%zz", "http://a/%",
        "http://a/[b]", "http://a/a|b", "http://a/#x#y", "http://a:65536/", "http://a:-1/", "http://a:8 0/",
        "http://a:８０/", "http://[::1/", "http://[::g]/", "http://[1::2]:3:4", "http://[::1%25eth0]/", "http://a%20b/",
        "http://a%00/", "http://1.2.3/", "http://256.1.1.1/", "http://0x7f.1/", "http://01.2.3.4/", "http://999999/",
        " http://a/", "http://a/ ", "http://a\\b/", "http://a\0/",
    ],
)  # fmt: skip
def test_what_rfc_3986_or_prudence_forbids_is_refused(text: str) -> None:
    with pytest.raises(InvalidURIError):
        URI(text)


def test_errors_show_no_userinfo_and_no_secret_parameter() -> None:
    """U-I3."""
    for text in ("http://u:MARKER@a b/", "http://a/?X-Amz-Signature=MARKER|", "http://u:MARKER@[x]/"):
        with pytest.raises(InvalidURIError) as caught:
            URI(text)
        assert "MARKER" not in str(caught.value)


def test_repr_hides_userinfo_and_the_values_of_secret_parameters() -> None:
    """U-I5."""
    uri = URI("https://user:MARKER@a.test/x?a=1&X-Amz-Signature=MARKER&tok%65n=MARKER&sig=MARKER#access_token=MARKER")

    assert "MARKER" not in repr(uri)
    assert "a=1" in repr(uri)


@pytest.mark.parametrize("target", ["*", "/a[b]|{}^%zz", "/a%", "a.test:443", "http://b.test/x", '/\\"<>`'])
def test_a_verbatim_target_is_kept_as_it_is(target: str) -> None:
    uri = URI.verbatim("http://a.test:8080", target)

    assert uri.target == target
    assert uri.is_verbatim
    assert uri.authority == "a.test:8080"
    assert pickle.loads(pickle.dumps(uri)) == uri


@pytest.mark.parametrize("target", ["", "a", "/a b", "/a#b", "/a\r\nb", "/é", "?a", "a.test"])
def test_a_verbatim_target_that_cannot_stand_on_a_request_line_is_refused(target: str) -> None:
    with pytest.raises(InvalidURIError):
        URI.verbatim("http://a.test", target)


@pytest.mark.parametrize("origin", ["http://a/b", "http://a?q", "http://u@a", "http://a/#f"])
def test_verbatim_takes_an_origin_only(origin: str) -> None:
    with pytest.raises(InvalidURIError, match="more than an origin"):
        URI.verbatim(origin, "/")


def test_building_from_parts_encodes_everything_but_unreserved_characters() -> None:
    uri = URI.build(
        "https",
        "a.test",
        port=8443,
        segments=["a/b", "c d", "é", "~'"],
        query=[("k&", "v=+"), ("flag", None), ("e", "")],
    )

    assert str(uri) == "https://a.test:8443/a%2Fb/c%20d/%C3%A9/~%27?k%26=v%3D%2B&flag&e="


def test_building_converts_a_host_by_idna_and_brackets_an_ipv6_address() -> None:
    assert URI.build("http", "bücher.example").host == "xn--bcher-kva.example"
    assert URI.build("http", "::1").authority == "[::1]"


def test_building_refuses_a_dot_segment() -> None:
    with pytest.raises(InvalidURIError, match="step in the tree"):
        URI.build("http", "a", segments=["..", "b"])


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://e.test", "https://e.test/a%2Fb?q"),
        ("https://e.test/", "https://e.test/a%2Fb?q"),
        ("https://e.test/base", "https://e.test/base/a%2Fb?q"),
        ("https://e.test:444/base/", "https://e.test:444/base/a%2Fb?q"),
    ],
)
def test_an_endpoint_is_joined_with_exactly_one_slash(endpoint: str, expected: str) -> None:
    """W14."""
    assert str(URI("http://a/a%2Fb?q").with_endpoint(endpoint)) == expected


@pytest.mark.parametrize("endpoint", ["https://e/?q=1", "https://e/#f", "https://u@e/"])
def test_an_endpoint_with_more_than_a_path_is_refused(endpoint: str) -> None:
    with pytest.raises(InvalidURIError, match="would get lost|has a query"):
        URI("http://a/").with_endpoint(endpoint)


RFC_3986_5_4 = {
    "g": "http://a/b/c/g", "./g": "http://a/b/c/g", "g/": "http://a/b/c/g/", "/g": "http://a/g", "//g": "http://g",
    "?y": "http://a/b/c/d;p?y", "g?y": "http://a/b/c/g?y", "#s": "http://a/b/c/d;p?q#s", "g#s": "http://a/b/c/g#s",
    "g?y#s": "http://a/b/c/g?y#s", ";x": "http://a/b/c/;x", "g;x": "http://a/b/c/g;x", "g;x?y#s": "http://a/b/c/g;x?y#s",
    "": "http://a/b/c/d;p?q", ".": "http://a/b/c/", "./": "http://a/b/c/", "..": "http://a/b/", "../": "http://a/b/",
    "../g": "http://a/b/g", "../..": "http://a/", "../../": "http://a/", "../../g": "http://a/g",
    "../../../g": "http://a/g", "../../../../g": "http://a/g", "/./g": "http://a/g", "/../g": "http://a/g",
    "g.": "http://a/b/c/g.", ".g": "http://a/b/c/.g", "g..": "http://a/b/c/g..", "..g": "http://a/b/c/..g",
    "./../g": "http://a/b/g", "./g/.": "http://a/b/c/g/", "g/./h": "http://a/b/c/g/h", "g/../h": "http://a/b/c/h",
    "g;x=1/./y": "http://a/b/c/g;x=1/y", "g;x=1/../y": "http://a/b/c/y", "g?y/./x": "http://a/b/c/g?y/./x",
    "g?y/../x": "http://a/b/c/g?y/../x", "g#s/./x": "http://a/b/c/g#s/./x", "g#s/../x": "http://a/b/c/g#s/../x",
}  # fmt: skip


@pytest.mark.parametrize("reference", RFC_3986_5_4, ids=lambda text: text or "empty")
def test_references_resolve_as_in_the_examples_of_rfc_3986(reference: str) -> None:
    assert str(URI("http://a/b/c/d;p?q").resolve(reference)) == RFC_3986_5_4[reference]


def test_a_location_value_is_resolved_without_re_encoding() -> None:
    """U-B1."""
    uri = URI("https://a.test/x/y").resolve("/b%2fc/%7ex/d?%41='")

    assert uri.target == "/b%2fc/%7ex/d?%41='"


def test_a_new_target_keeps_the_authority_as_given() -> None:
    uri = URI("https://a.test:443/x")

    assert str(uri.with_target("/b?c")) == "https://a.test:443/b?c"
    assert uri.with_target("/[b]").target == "/[b]"


def test_uris_are_equal_as_text_and_nothing_is_normalised() -> None:
    assert URI("http://a/%7e") == URI("http://a/%7e")
    assert URI("http://a/%7e") != URI("http://a/~")
    assert hash(URI("http://a/")) == hash(URI("http://a/"))
    assert URI(URI("http://a/x")) == URI("http://a/x")
    assert pickle.loads(pickle.dumps(URI("http://a/x"))) == URI("http://a/x")
