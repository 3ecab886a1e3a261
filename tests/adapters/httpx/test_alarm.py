"""The total of a synchronous call: it ends the call wherever it stands, and leaves no thread behind."""

from __future__ import annotations

import gc
import threading
import time
import warnings

import httpx
import pytest

from stablehttp import (
    HttpVersion,
    Request,
    SyncPipeline,
    Timeouts,
    TotalTimeoutError,
    UnsupportedTransportError,
)
from stablehttp.testing import Answer, Gate, Origin, Pause
from stablehttp_httpx import SyncHttpxConnector

UNTIL_CLOSED = Answer(raw=[b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfirst", Pause(20)])
"""Content that ends with the connection."""


def alarms() -> int:
    return sum(thread.name == "stablehttp: total" for thread in threading.enumerate())


def wait_for_no_alarm() -> None:
    end = time.monotonic() + 3
    while alarms() and time.monotonic() < end:
        time.sleep(0.01)
    assert alarms() == 0


def test_content_that_ends_with_the_connection_is_not_taken_for_whole_when_the_time_is_up() -> None:
    """U-D1, U-E1: the end of the connection is ours then, and not that of the content."""
    with Origin(UNTIL_CLOSED) as origin, SyncHttpxConnector() as connector:
        since = time.monotonic()
        response = SyncPipeline(connector, timeouts=Timeouts(total=1.5)).send(Request("GET", origin.url))
        with pytest.raises(TotalTimeoutError) as caught:
            response.read()

        assert time.monotonic() - since < 8
    assert (caught.value.seconds, caught.value.sent, caught.value.processed) == (1.5, "yes", "yes")
    wait_for_no_alarm()


def test_a_connection_that_was_given_back_in_time_is_left_alone() -> None:
    with Origin() as origin, SyncHttpxConnector() as connector:
        pipeline = SyncPipeline(connector, timeouts=Timeouts(total=1.0))
        pipeline.send(Request("GET", origin.url)).read()
        wait_for_no_alarm()
        time.sleep(1.1)
        response = pipeline.send(Request("GET", origin.url))

        assert response.read() == b""
        assert response.connection.reused
        assert len(origin.connections) == 1


def test_a_response_that_is_dropped_takes_its_alarm_with_it() -> None:
    gate = Gate()
    with Origin(Answer(200, [b"first", gate])) as origin, SyncHttpxConnector() as connector:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            SyncPipeline(connector, timeouts=Timeouts(total=0.1)).send(Request("GET", origin.url))
            gc.collect()
        gate.open()
        wait_for_no_alarm()


def test_without_a_total_there_is_no_thread() -> None:
    gate = Gate()
    with Origin(Answer(200, [b"first", gate])) as origin, SyncHttpxConnector() as connector:
        with SyncPipeline(connector).send(Request("GET", origin.url)):
            assert alarms() == 0
        gate.open()


@pytest.mark.parametrize(
    "lent", [httpx.HTTPTransport, httpx.Client, httpx.WSGITransport], ids=lambda kind: kind.__name__
)
def test_http2_through_a_synchronous_client_that_is_lent_is_refused(lent: type) -> None:
    """Threads would share one connection whose frames are not kept apart; its socket then says EAGAIN, or worse."""
    made = lent(lambda *_: []) if lent is httpx.WSGITransport else lent()

    with pytest.raises(UnsupportedTransportError, match="does not keep their frames apart"):
        SyncHttpxConnector(made, versions=(HttpVersion.HTTP_2, HttpVersion.HTTP_1_1))
    made.close()
