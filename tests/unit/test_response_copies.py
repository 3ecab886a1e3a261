"""Responses that are copied and pickled, and what of them may change (U-F1)."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from stablehttp import (
    ConnectionInfo,
    Extensions,
    HttpVersion,
    InvalidMessageError,
    InvalidStatusError,
    IterableBody,
    Response,
    SealedError,
    Timeouts,
    secret,
)
from stablehttp._response import view_response

AGAIN = [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))]


@pytest.mark.parametrize("again", AGAIN, ids=["copy", "deepcopy", "pickle"])
def test_a_copy_of_a_response_has_everything_and_shares_nothing_that_changes(again: Callable[[Any], Any]) -> None:
    """U-F1, U-K3, W12."""
    response = Response(
        207,
        headers=[("B", "2"), ("a", b"\xff"), ("A", secret("s"))],
        body=b"\0\xff",
        reason="caf\xe9",
        trailers=[("X-T", "1")],
        http_version=HttpVersion.HTTP_2,
        extensions=Extensions([Timeouts(read=3)]),
        connection=ConnectionInfo(reused=True, alpn="h2"),
    )

    copied = again(response)

    assert (copied.status, copied.reason, copied.http_version) == (207, "caf\xe9", HttpVersion.HTTP_2)
    assert copied.headers.items() == response.headers.items()
    assert "'s'" not in repr(copied.headers)
    assert copied.trailers.items() == [("X-T", "1")]
    assert (copied.read(), copied.connection) == (b"\0\xff", response.connection)
    assert copied.extensions[Timeouts] == Timeouts(read=3)
    copied.headers.add("C", "3")
    copied.trailers.add("C", "3")
    copied.extensions.remove(Timeouts)
    assert ("C" in response.headers, "C" in response.trailers, Timeouts in response.extensions) == (False, False, True)


@pytest.mark.parametrize("again", AGAIN, ids=["copy", "deepcopy", "pickle"])
def test_a_response_whose_content_is_a_stream_is_not_copied_in_silence(again: Callable[[Any], Any]) -> None:
    """U-F1: two owners of one stream would each get a part of it."""
    response = Response(200, body=IterableBody([b"a"]))

    with pytest.raises(TypeError, match="once its content was read"):
        again(response)

    assert response.read() == b"a"
    assert again(response).read() == b"a"


@pytest.mark.parametrize("reason", ["a\r\nX: 1", "a\nb", "a\0b", "€", 3, None])
def test_a_reason_that_no_status_line_can_hold_is_refused(reason: str) -> None:
    """U-I1."""
    response = Response(200, reason="OK")

    with pytest.raises(InvalidMessageError):
        Response(200, reason=reason)
    with pytest.raises(InvalidMessageError):
        response.reason = reason

    assert response.reason == "OK"


@pytest.mark.parametrize("status", ["200", 99, 1000, True, None, 200.0])
def test_a_status_that_is_none_is_refused_on_assignment_too(status: int) -> None:
    response = Response(200)

    with pytest.raises(InvalidStatusError):
        response.status = status

    assert response.status == 200


def test_the_version_is_never_a_name() -> None:
    """U-I2."""
    response = Response(200)

    with pytest.raises(InvalidMessageError, match="HttpVersion"):
        Response(200, http_version="HTTP/2")  # type: ignore[arg-type]
    with pytest.raises(InvalidMessageError, match="HttpVersion"):
        response.http_version = "HTTP/2"  # type: ignore[assignment]


def test_a_view_of_a_response_refuses_every_change() -> None:
    response = Response(200, headers=[("A", "1")], reason="OK")
    view = view_response(response, "a reader")
    changes: list[Callable[[], object]] = [
        lambda: setattr(view, "status", 201),
        lambda: setattr(view, "reason", ""),
        lambda: setattr(view, "http_version", HttpVersion.HTTP_2),
        lambda: view.headers.add("B", "1"),
        lambda: view.trailers.add("B", "1"),
    ]

    for change in changes:
        with pytest.raises(SealedError, match="a reader"):
            change()

    assert (view.status, view.reason, view.http_version) == (200, "OK", HttpVersion.HTTP_1_1)
