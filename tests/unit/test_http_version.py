"""Protocol versions are ordered values, never strings."""

from __future__ import annotations

import pytest

from stablehttp import HttpVersion, InvalidMessageError


@pytest.mark.parametrize("text", ["HTTP/1.1", "http/1.1"])
def test_http_1_1_is_read_from_the_usual_spellings(text: str) -> None:
    """C1."""
    assert HttpVersion.parse(text) is HttpVersion.HTTP_1_1


@pytest.mark.parametrize("text", ["HTTP/2", "http/2", "HTTP/2.0", "h2", "h2c", "H2"])
def test_http_2_is_read_from_the_usual_spellings(text: str) -> None:
    """C1."""
    assert HttpVersion.parse(text) is HttpVersion.HTTP_2


@pytest.mark.parametrize("text", ["", "HTTP/1.0", "HTTP/3", "1.1", "http", "HTTP/1.1 ", None, 2])
def test_other_spellings_are_refused(text: str) -> None:
    """C1."""
    with pytest.raises(InvalidMessageError, match="not a protocol version"):
        HttpVersion.parse(text)


def test_versions_are_ordered_by_age() -> None:
    """C1."""
    assert HttpVersion.HTTP_1_0 < HttpVersion.HTTP_1_1 <= HttpVersion.HTTP_1_1 < HttpVersion.HTTP_2
    assert max(HttpVersion) is HttpVersion.HTTP_2
    assert [str(version) for version in sorted(HttpVersion)] == ["HTTP/1.0", "HTTP/1.1", "HTTP/2"]


def test_a_version_knows_its_alpn_id() -> None:
    assert (HttpVersion.HTTP_1_1.alpn, HttpVersion.HTTP_2.alpn) == ("http/1.1", "h2")
