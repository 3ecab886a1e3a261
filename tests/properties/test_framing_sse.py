"""Server-sent events against a naive reading of the WHATWG standard, which has the whole stream at hand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stablehttp.framing import ServerSentEvent, ServerSentEventDecoder

PARTS = st.sampled_from(
    [b"data", b"event", b"id", b"retry", b":", b": ", b" ", b"x", b"12", b"\n", b"\r", b"\r\n", b"\0", b"\xef\xbb\xbf",
     b"\xff", b"\xe2\x82", b"\xe2\x82\xac", b"data: a\n\n", b"\xe2\x80\xa8", b"\x85"]
)  # fmt: skip
STREAMS = st.lists(PARTS, max_size=40).map(b"".join) | st.binary(max_size=60)
PLACES = st.lists(st.integers(min_value=0), max_size=10)


def naive(octets: bytes) -> tuple[list[ServerSentEvent], str, int | None]:
    """§9.2.6, step by step."""
    text = octets.decode("utf-8", errors="replace").removeprefix("\ufeff")
    lines = re.split("\r\n|\n|\r", text)[:-1]
    events: list[ServerSentEvent] = []
    data, kind, buffered_id, last_id = "", "", "", ""
    retry: int | None = None
    for line in lines:
        name, _, value = line.partition(":")
        value = value[1:] if value[:1] == " " else value
        if not line:
            last_id = buffered_id
            if data:
                events.append(ServerSentEvent(kind or "message", data[:-1], last_id))
            data, kind = "", ""
        elif name == "event":
            kind = value
        elif name == "data":
            data += value + "\n"
        elif name == "id" and "\0" not in value:
            buffered_id = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            retry = int(value)
    return events, last_id, retry


def cut(octets: bytes, places: Iterable[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(octets) + 1) for place in places), len(octets)]
    return [octets[start:end] for start, end in pairwise(marks)]


@given(STREAMS, PLACES)
def test_events_are_those_of_the_standard_whatever_the_pieces(octets: bytes, places: list[int]) -> None:
    decoder = ServerSentEventDecoder()

    events = [event for piece in cut(octets, places) for event in decoder.feed(piece)]
    decoder.finish()

    assert (events, decoder.last_event_id, decoder.retry) == naive(octets)
