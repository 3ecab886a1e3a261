"""Errors answer two questions, pickle, and are also what a stranger would catch."""

from __future__ import annotations

import inspect
import pickle

import pytest

from stablehttp import (
    ConnectRefusedError,
    ConnectTimeoutError,
    DisconnectedError,
    HTTPTimeoutError,
    InvalidFieldError,
    MissingExtraError,
    ResponseHead,
    StableHTTPError,
    UnsupportedTransportError,
)
from stablehttp import _errors as errors

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, StableHTTPError)]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_pickles_with_all_of_its_parts(kind: type[StableHTTPError]) -> None:
    error = kind("what happened", sent="maybe", processed="yes", status=503).about("PUT", "https://a.test")

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is kind
    assert str(copy) == str(error) == "what happened"
    assert (copy.sent, copy.processed, copy.status, copy.method, copy.origin) == (
        "maybe", "yes", 503, "PUT", "https://a.test",
    )  # fmt: skip


def test_an_error_after_a_head_pickles_with_it_and_shows_none_of_its_values() -> None:
    """U-E6, U-I5: a cookie that was set is a secret."""
    head = ResponseHead(status=503, http_version="HTTP/1.1", headers=(("Set-Cookie", "secret"), ("set-cookie", "b")))
    error = DisconnectedError("what happened").after(head)

    copy = pickle.loads(pickle.dumps(error))

    assert copy.head == head
    assert copy.head.values("SET-COOKIE") == ["secret", "b"]
    assert (copy.status, copy.sent, copy.processed) == (503, "yes", "yes")
    assert repr(head) == "<ResponseHead 503, HTTP/1.1, 2 field lines>"
    assert "secret" not in f"{copy} {copy!r} {copy.__dict__}"


def test_an_error_keeps_the_head_that_it_was_given_first() -> None:
    first = ResponseHead(status=200, http_version="HTTP/2")
    error = StableHTTPError("x").after(first).after(ResponseHead(status=500, http_version="HTTP/1.1"))

    assert (error.head, error.status) == (first, 200)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (InvalidFieldError, ValueError),
        (ConnectRefusedError, ConnectionRefusedError),
        (DisconnectedError, ConnectionError),
        (HTTPTimeoutError, TimeoutError),
        (UnsupportedTransportError, RuntimeError),
        (MissingExtraError, ImportError),
    ],
)
def test_an_error_is_also_the_builtin_that_a_stranger_would_catch(kind: type, builtin: type) -> None:
    assert issubclass(kind, builtin)


def test_errors_before_sending_say_no_and_errors_on_the_way_say_maybe() -> None:
    assert (InvalidFieldError("x").sent, InvalidFieldError("x").processed) == ("no", "no")
    assert (ConnectTimeoutError("x").sent, ConnectTimeoutError("x").processed) == ("no", "no")
    assert (DisconnectedError("x").sent, DisconnectedError("x").processed) == ("maybe", "maybe")


def test_what_an_error_is_about_is_said_once() -> None:
    error = StableHTTPError("x").about("GET", "http://a").about("PUT", "http://b")

    assert (error.method, error.origin) == ("GET", "http://a")
