"""A call that names a sink, and one that watches its progress, in both colours."""

from __future__ import annotations

import asyncio
import io
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stablehttp import (
    AnyRequest,
    AsyncBody,
    AsyncPipeline,
    Attempt,
    BodyColourError,
    BodyTakenError,
    CallbackSink,
    CallOptions,
    ContentTooLargeError,
    DisconnectedError,
    Interceptor,
    InvalidBodyError,
    Progress,
    Request,
    Response,
    SinkBody,
    SinkError,
    SyncBody,
    SyncPipeline,
)

URL = "https://a.test/thing"


class Answers:
    """A transport that gives one response, and remembers what came to it."""

    def __init__(self, answer: Callable[[], Response[Any]]) -> None:
        self.answer = answer
        self.requests: list[AnyRequest] = []
        self.content = b""


class AsyncAnswers(Answers):
    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        self.requests.append(request)
        self.content = b"".join([chunk async for chunk in request.body])
        return self.answer()


class SyncAnswers(Answers):
    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        self.requests.append(request)
        self.content = b"".join(request.body)
        return self.answer()


async def stream(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def acut() -> AsyncIterator[bytes]:
    yield b"half"
    raise DisconnectedError("cut", sent="yes", processed="yes")


def cut() -> Iterator[bytes]:
    yield b"half"
    raise DisconnectedError("cut", sent="yes", processed="yes")


def names_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


async def asend(answer: Callable[[], Response[Any]], **options: Any) -> Response[AsyncBody]:
    return await AsyncPipeline(AsyncAnswers(answer)).send(Request("GET", URL), options=CallOptions(**options))


def send(answer: Callable[[], Response[Any]], **options: Any) -> Response[SyncBody]:
    return SyncPipeline(SyncAnswers(answer)).send(Request("GET", URL), options=CallOptions(**options))


# --- where content goes ---------------------------------------------------------------------------


async def test_content_has_gone_to_the_sink_when_the_call_returns_and_the_body_gives_the_sink(tmp_path: Path) -> None:
    """S9, S11: any object with `write`, a callback, a path; what can be rewound is."""
    memory, also, got = io.BytesIO(), io.BytesIO(), list[bytes]()
    callback = CallbackSink(got.append)

    response = await asend(lambda: Response(200, body=stream(b"one", b"two")), sink=memory)
    blocking = send(lambda: Response(206, body=[b"one", b"two"]), sink=also)
    counted = await asend(lambda: Response(200, body=stream(b"one", b"two")), sink=callback)
    path = await asend(lambda: Response(200, body=stream(b"one", b"two")), sink=tmp_path / "file")

    for one, sink in ((response, memory), (blocking, also), (counted, callback), (path, tmp_path / "file")):
        assert isinstance(one.body, SinkBody)
        assert one.body.sink is sink or one.body.sink == sink
        assert (one.body.octets, one.body.length) == (6, 6)
    assert memory.read() == also.read() == (tmp_path / "file").read_bytes() == b"onetwo"
    assert (callback.octets, got) == (6, [b"one", b"two"])


async def test_what_went_to_the_sink_is_read_again_from_there_if_it_can_be(tmp_path: Path) -> None:
    """S9."""
    memory = io.BytesIO(b"before")
    memory.seek(6)

    for sink in (memory, tmp_path / "file"):
        response = await asend(lambda: Response(200, body=stream(b"one", b"two")), sink=sink)
        assert await response.aread() == b"onetwo"
        assert await response.atext() == "onetwo"
        assert b"".join([chunk async for chunk in response.body]) == b"onetwo"
    gone = send(lambda: Response(200, body=[b"one", b"two"]), sink=lambda octets: None)
    with pytest.raises(BodyTakenError, match="6 octets, was written to the sink of the call"):
        gone.read()
    assert gone.body.taken_by is None or gone.body.taken_by


async def test_an_error_response_never_lands_in_the_sink_and_its_content_is_kept(tmp_path: Path) -> None:
    """S13."""
    memory, path = io.BytesIO(), tmp_path / "file"

    response = await asend(lambda: Response(404, body=stream(b"no ", b"such thing")), sink=path)
    blocking = send(lambda: Response(500, body=[b"no ", b"luck"]), sink=memory)

    assert (await response.aread(), blocking.read()) == (b"no such thing", b"no luck")
    for one in (response, blocking):
        assert isinstance(one.body, SinkBody)
        assert one.body.sink is None
        assert one.body.octets == len(b"".join(one.body))
    assert (path.exists(), memory.getvalue()) == (False, b"")
    with pytest.raises(ContentTooLargeError, match="1048576 octets"):
        await asend(lambda: Response(404, body=stream(*[bytes(2**19)] * 3)), sink=path)
    assert names_in(tmp_path) == []


async def test_trailers_are_still_those_of_the_response() -> None:
    """U-J6."""
    kept = await asend(lambda: Response(200, body=b"x", trailers=[("X-Sum", "1"), ("X-Sum", "2")]), sink=io.BytesIO())

    assert kept.trailers.items() == [("X-Sum", "1"), ("X-Sum", "2")]


async def test_the_option_is_used_up_by_the_pipeline_and_does_not_reach_the_transport() -> None:
    """S10."""
    transport = AsyncAnswers(lambda: Response(200, body=b"x"))
    request = Request("GET", URL)
    options = CallOptions(sink=io.BytesIO(), progress=lambda _: None)

    await AsyncPipeline(transport).send(request, options=options)

    (sent,) = transport.requests
    assert CallOptions not in sent.extensions
    assert type(sent.body) is type(request.body), "nothing is to be watched of no content"
    without = await AsyncPipeline(transport).send(request)
    assert not isinstance(without.body, SinkBody), "and it is not remembered for the next call"


# --- what goes wrong ------------------------------------------------------------------------------


class Takes:
    """A sink that takes so many octets, and then fails; it cannot be undone."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.got = b""

    def write(self, octets: bytes, /) -> int:
        if len(self.got) >= self.most:
            raise OSError(28, "No space left on device")
        taken = octets[: min(self.most - len(self.got), 2)]
        self.got += taken
        return len(taken)


async def test_an_error_says_how_many_octets_lie_in_the_sink() -> None:
    """S12, S14: so that who tries again knows that this sink has some already."""
    for kind in ("async", "sync"):
        sink = Takes(3)
        with pytest.raises(SinkError, match="after 3 octets: No space left on device") as full:
            if kind == "async":
                await asend(lambda: Response(200, body=stream(b"one", b"two")), sink=sink)
            else:
                send(lambda: Response(200, body=[b"one", b"two"]), sink=sink)
        assert (full.value.sink_octets, sink.got) == (3, b"one")
        assert (full.value.sent, full.value.processed) == ("yes", "yes")
        assert pickle.loads(pickle.dumps(full.value)).sink_octets == 3


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_what_was_cut_is_taken_back_from_a_sink_that_can_be_rewound_and_counted_in_one_that_cannot(
    kind: str, tmp_path: Path
) -> None:
    """S12."""
    memory, got, path = io.BytesIO(b"head"), list[bytes](), tmp_path / "file"
    memory.seek(4)
    found: list[int | None] = []

    for sink in (memory, path, got.append):
        with pytest.raises(DisconnectedError) as caught:
            if kind == "async":
                await asend(lambda: Response(200, body=acut()), sink=sink)
            else:
                send(lambda: Response(200, body=cut()), sink=sink)
        found.append(caught.value.sink_octets)

    assert found == [0, 0, 4]
    assert (memory.getvalue(), memory.tell(), path.exists(), got) == (b"head", 4, False, [b"half"])


async def test_an_error_without_a_sink_says_nothing_of_one() -> None:
    with pytest.raises(DisconnectedError) as caught:
        await (await asend(lambda: Response(200, body=acut()))).aread()

    assert caught.value.sink_octets is None


async def test_cancelling_waits_for_the_thread_that_writes_and_leaves_nothing(tmp_path: Path) -> None:
    """S12."""
    for _ in range(20):
        task = asyncio.create_task(
            asend(lambda: Response(200, body=stream(*[bytes(100_000)] * 50)), sink=tmp_path / "file")
        )
        await asyncio.sleep(0.003)
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        assert isinstance(outcome, (asyncio.CancelledError, Response))
        assert names_in(tmp_path) in ([], ["file"])


def test_what_is_no_sink_is_refused_when_the_options_are_made() -> None:
    for bad in (3, "/tmp/file", io.StringIO()):
        with pytest.raises(InvalidBodyError) as caught:
            CallOptions(sink=bad)  # type: ignore[arg-type]
        assert caught.value.where == "sink"


def test_a_sink_that_must_be_awaited_is_refused_before_a_synchronous_pipeline_sends() -> None:
    async def take(octets: bytes) -> None: ...

    transport = SyncAnswers(lambda: Response(200))

    with pytest.raises(BodyColourError, match="must be awaited"):
        SyncPipeline(transport).send(Request("GET", URL), options=CallOptions(sink=take))

    assert transport.requests == []


class Watching(Interceptor):
    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def read_after_attempt(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)


async def test_an_attempt_with_a_sink_is_told_once_and_when_all_of_it_is_over() -> None:
    """U-C5."""
    watching = Watching()
    for body in (stream(b"all"), acut()):
        pipeline = AsyncPipeline(AsyncAnswers(lambda: Response(200, body=body)), interceptors=[watching])  # noqa: B023
        await asyncio.gather(
            pipeline.send(Request("GET", URL), options=CallOptions(sink=io.BytesIO())), return_exceptions=True
        )

    good, bad = watching.attempts
    assert (good.status, good.error) == (200, None)
    assert (bad.status, type(bad.error)) == (200, DisconnectedError)


# --- progress -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_progress_is_told_in_both_directions_with_totals_where_they_are_known(kind: str) -> None:
    seen: list[Progress] = []
    options = CallOptions(progress=seen.append)
    request = Request("PUT", URL, body=b"content")

    if kind == "async":
        transport: Answers = AsyncAnswers(lambda: Response(200, body=stream(b"ab", b"c")))
        response = await AsyncPipeline(transport).send(request, options=options)  # type: ignore[arg-type]
        await response.aread()
    else:
        transport = SyncAnswers(lambda: Response(200, body=[b"ab", b"c"]))
        SyncPipeline(transport).send(request, options=options).read()  # type: ignore[arg-type]

    assert transport.content == b"content"
    assert seen == [Progress("sent", 7, 7), Progress("received", 2, None), Progress("received", 3, None)]
    assert request.body.taken_by is None


async def test_progress_and_a_sink_go_together() -> None:
    seen: list[Progress] = []
    memory = io.BytesIO()

    await asend(lambda: Response(200, body=stream(b"ab", b"c")), sink=memory, progress=seen.append)

    assert memory.getvalue() == b"abc"
    assert [step.octets for step in seen] == [2, 3]


def test_an_exchange_takes_no_sink() -> None:
    from stablehttp import MisuseError
    from stablehttp.testing import AsyncMemoryConnector

    with pytest.raises(MisuseError, match="leave the sink out"):
        AsyncPipeline(AsyncMemoryConnector()).open(Request("POST", URL), options=CallOptions(sink=io.BytesIO()))
