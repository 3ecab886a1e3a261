"""Snapshots keep everything but secrets."""

from __future__ import annotations

import json

import pytest

from stablehttp import (
    URI,
    HttpVersion,
    InvalidMessageError,
    Request,
    Response,
    restore_request,
    restore_response,
    secret,
    snapshot_request,
    snapshot_response,
)


def test_a_request_survives_json_without_loss() -> None:
    """U-C4, U-K3."""
    request = Request(
        "PUT",
        "https://a.test/x%2f?a&a=1",
        headers=[("X-D", "1"), ("x-d", ""), ("X-O", b"\xff\xfe"), ("X-S", secret("s"))],
        body=bytes(range(256)),
        trailers=[("X-T", "1")],
    )

    again = restore_request(json.loads(json.dumps(snapshot_request(request, secrets="keep"))))

    assert again == request
    assert list(again.headers) == list(request.headers)
    assert "'s'" not in repr(again.headers)


def test_a_verbatim_target_survives() -> None:
    request = Request("OPTIONS", URI.verbatim("http://a.test:8080", "*"))

    assert restore_request(snapshot_request(request)) == request


def test_a_response_survives_json_without_loss() -> None:
    """U-C4."""
    response = Response(
        207, headers=[("B", "2"), ("A", "1")], body=b"\0\xff", reason="Many", http_version=HttpVersion.HTTP_2
    )

    again = restore_response(json.loads(json.dumps(snapshot_response(response))))

    assert (again.status, again.reason, again.http_version) == (207, "Many", HttpVersion.HTTP_2)
    assert list(again.headers) == [("B", "2"), ("A", "1")]
    assert again.read() == b"\0\xff"


def test_secrets_are_dropped_unless_asked_for() -> None:
    """U-C6, U-I5."""
    request = Request(
        "GET",
        "https://u:MARKER@a.test/?X-Amz-Signature=MARKER&b=c",
        headers=[("Authorization", "MARKER"), ("X-Own", secret("MARKER")), ("X-Open", "1")],
    )

    data = snapshot_request(request)

    assert "MARKER" not in json.dumps(data)
    assert list(restore_request(data).headers) == [("X-Open", "1")]
    assert "MARKER" in json.dumps(snapshot_request(request, secrets="keep"))


def test_what_is_no_snapshot_or_of_an_unknown_version_is_refused() -> None:
    data = dict(snapshot_request(Request("GET", "https://a.test/")))

    with pytest.raises(InvalidMessageError):
        restore_response(data)
    with pytest.raises(InvalidMessageError):
        restore_request(data | {"version": 2})


def test_a_stream_has_to_be_read_first() -> None:
    with pytest.raises(InvalidMessageError, match="read it first"):
        snapshot_request(Request("PUT", "https://a.test/", body=iter([b"a"])))
