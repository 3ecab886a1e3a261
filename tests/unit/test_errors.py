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
