"""`URI` against the web platform's URL corpus and the tests of another library."""

from __future__ import annotations

from typing import Any

import pytest
from tests.vectors import vectors

from stablehttp import URI, InvalidURIError

WPT = vectors("urls/wpt-http.json")
RUST = vectors("urls/rust-http.json")
TOLERATED = {
    # the web platform lets these stand, and RFC 3986 does not
    "http://foo/path;a??e#f#g",
    "http://example.com/foo%2zbar",
    "http://!\"$&'()*+,-.;=_`{}~/",
    "http://example.org/test?a#%GH",
}


@pytest.mark.parametrize("case", WPT, ids=lambda case: case["id"])
def test_urls_of_the_web_platform_tests_are_refused_or_kept(case: dict[str, Any]) -> None:
    text = case["input"]
    if case.get("failure"):
        with pytest.raises(InvalidURIError):
            URI(text)
    elif case.get("href") == text and text not in TOLERATED:
        uri = URI(text)
        assert str(uri) == text
        assert (uri.host, uri.path) == (case["hostname"], case["pathname"])
        assert ("?" + (uri.query or "") if uri.query else "") == case["search"]
    else:
        try:
            kept = URI(text)
        except InvalidURIError:
            return
        assert str(kept) == text


@pytest.mark.parametrize("case", RUST, ids=lambda case: case["id"])
def test_uris_with_a_scheme_have_the_parts_that_another_library_sees(case: dict[str, Any]) -> None:
    text = case["input"]
    if case["valid"] and case.get("scheme"):
        uri = URI(text)
        assert (uri.scheme, uri.path, uri.query) == (case["scheme"], case["path"], case["query"])
        assert uri.host == case.get("host", uri.host)
    elif case["valid"] and text.startswith("/"):
        assert URI.verbatim("http://a.test", text).target == text
    else:
        with pytest.raises(InvalidURIError):
            URI(text)
