"""Writing responses to what the caller gives, and to nothing else."""

from __future__ import annotations

import asyncio
import io
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stablehttp import (
    BodyColourError,
    BodyTakenError,
    CallbackSink,
    ContentTooLargeError,
    DisconnectedError,
    InvalidBodyError,
    Response,
    SinkError,
)


async def stream(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def cut() -> AsyncIterator[bytes]:
    yield b"half"
    raise DisconnectedError("cut")


class Partial:
    """A sink that takes a few octets at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.got = b""

    def write(self, octets: bytes, /) -> int:
        self.got += octets[: self.most]
        return min(self.most, len(octets))


class Silent:
    """A sink that takes everything and says nothing, sync or async."""

    def __init__(self) -> None:
        self.got = b""

    def write(self, octets: bytes, /) -> None:
        self.got += octets


class AsyncSilent(Silent):
    async def write(self, octets: bytes, /) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().write(octets)


async def test_content_is_written_to_anything_with_write() -> None:
    """S9, S14: short writes, None, and sinks that are awaited."""
    partial, silent, awaited = Partial(2), Silent(), AsyncSilent()

    assert await Response(200, body=stream(b"abc", b"de")).awrite_to(partial) == 5
    assert await Response(200, body=stream(b"abc", b"de")).awrite_to(silent) == 5
    assert await Response(200, body=stream(b"abc", b"de")).awrite_to(awaited) == 5
    again = Partial(1)
    assert Response(200, body=[b"abc", b"de"]).write_to(again) == 5

    assert partial.got == silent.got == awaited.got == again.got == b"abcde"


async def test_content_is_given_to_a_callback_and_counted() -> None:
    """S9."""
    got: list[bytes] = []

    async def take(octets: bytes) -> None:
        await asyncio.sleep(0)
        got.append(octets)

    sink = CallbackSink(got.append)
    assert Response(200, body=[b"a", b"b"]).write_to(sink) == sink.octets == 2
    assert Response(200, body=[b"c"]).write_to(got.append) == 1
    assert await Response(200, body=stream(b"d")).awrite_to(take) == 1

    assert got == [b"a", b"b", b"c", b"d"]


async def test_a_sink_that_can_be_read_is_taken_back_to_where_the_content_begins(tmp_path: Path) -> None:
    """S11."""
    memory = io.BytesIO(b"head")
    memory.seek(4)
    await Response(200, body=stream(b"content")).awrite_to(memory)
    assert memory.read() == b"content"

    with (tmp_path / "both").open("w+b") as both, (tmp_path / "write").open("wb") as write:
        await Response(200, body=stream(b"content")).awrite_to(both)
        await Response(200, body=stream(b"content")).awrite_to(write)
        write.write(b" and more")

        assert both.read() == b"content"
    assert (tmp_path / "write").read_bytes() == b"content and more"


@pytest.mark.parametrize("status", [199, 301, 404, 500])
async def test_a_response_that_is_no_success_never_lands_in_the_sink(status: int, tmp_path: Path) -> None:
    """S13."""
    memory, path = io.BytesIO(), tmp_path / "file"
    response = Response(status, body=stream(b"not found"))

    assert await response.awrite_to(memory) is None
    assert await Response(status, body=stream(b"not found")).awrite_to(path) is None
    assert Response(status, body=b"not found").write_to(memory) is None

    assert (memory.getvalue(), path.exists()) == (b"", False)
    assert await response.aread() == b"not found"
    with pytest.raises(ContentTooLargeError):
        await Response(status, body=stream(b"not found")).awrite_to(memory, error_limit=3)


def listed(folder: Path) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for path in folder.iterdir()]


async def test_a_path_gets_its_content_all_at_once_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with pytest.raises(DisconnectedError):
        await Response(200, body=cut()).awrite_to(path)
    assert listed(tmp_path) == [("file", b"old")]

    assert await Response(200, body=stream(b"new")).awrite_to(path) == 3
    assert Response(206, body=b"newer").write_to(path) == 5
    assert listed(tmp_path) == [("file", b"newer")]


async def test_a_path_keeps_its_link_and_its_mode_and_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    real, link, pipe = tmp_path / "real", tmp_path / "link", tmp_path / "pipe"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    assert await Response(200, body=stream(b"new")).awrite_to(link) == 3
    assert Response(200, body=b"piped").write_to(pipe) == 5
    assert Response(200, body=b"away").write_to(Path(os.devnull)) == 4
    got = os.read(reading, 10)
    os.close(reading)

    assert (link.is_symlink(), real.read_bytes(), real.stat().st_mode & 0o777) == (True, b"new", 0o640)
    assert got == b"piped"
    assert pipe.is_fifo()
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    with pytest.raises(SinkError, match="directory"):
        Response(200, body=b"x").write_to(tmp_path)


async def test_what_failed_half_way_is_undone_where_it_can_be(tmp_path: Path) -> None:
    """S12: so the same sink can be given to a second attempt."""
    memory, silent = io.BytesIO(b"head"), Silent()
    memory.seek(4)

    for sink in (memory, silent):
        with pytest.raises(DisconnectedError):
            await Response(200, body=cut()).awrite_to(sink)

    assert (memory.getvalue(), memory.tell()) == (b"head", 4)
    assert silent.got == b"half", "this one cannot"


async def test_cancelling_undoes_as_well(tmp_path: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.Event().wait()

    task = asyncio.create_task(Response(200, body=slow()).awrite_to(tmp_path / "file"))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert listed(tmp_path) == []


async def test_content_that_was_read_can_be_written_and_a_stream_only_once() -> None:
    kept, once = Response(200, body=stream(b"abc")), Response(200, body=stream(b"abc"))
    await kept.aread()
    await once.awrite_to(io.BytesIO())

    assert await kept.awrite_to(io.BytesIO()) == 3
    with pytest.raises(BodyTakenError):
        await once.awrite_to(io.BytesIO())


async def test_a_stream_writer_is_drained() -> None:
    """U-J7: back-pressure from the sink."""
    drained = 0

    class Writer(Silent):
        async def drain(self) -> None:
            nonlocal drained
            drained += 1

    writer = Writer()
    await Response(200, body=stream(b"a", b"b")).awrite_to(writer)

    assert (writer.got, drained) == (b"ab", 2)


class Odd:
    def __init__(self, answer: object) -> None:
        self.answer = answer

    def write(self, octets: bytes, /) -> int:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]


async def _blocking(sink: Odd) -> int | None:
    return Response(200, body=b"abc").write_to(sink)


@pytest.mark.parametrize("answer", [0, -1, 9, True, "3", OSError(28, "No space left on device"), ValueError("closed")])
async def test_a_sink_that_does_not_take_the_content_is_a_named_error(answer: object) -> None:
    """S14."""
    for writing in (Response(200, body=stream(b"abc")).awrite_to(Odd(answer)), _blocking(Odd(answer))):
        with pytest.raises(SinkError, match="No space left|closed|answered") as caught:
            await writing
        assert isinstance(caught.value, OSError)


def test_a_raw_file_that_does_not_block_is_an_error_and_no_loss() -> None:
    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, octets: object, /) -> None:
            return None

    with pytest.raises(SinkError, match="answered None"):
        Response(200, body=b"abc").write_to(Full())


@pytest.mark.parametrize(
    ("sink", "match"),
    [
        (io.StringIO(), "text file"),
        ("/tmp/file", r"Path\(name\)"),
        (3, "not int"),
    ],
    ids=["a text file", "a str that names a file", "a number"],
)
async def test_what_is_no_sink_is_refused_before_the_content_is_read(sink: object, match: str) -> None:
    response = Response(200, body=[b"abc"])

    with pytest.raises(InvalidBodyError, match=match) as caught:
        response.write_to(sink)  # type: ignore[arg-type]

    assert caught.value.where == "sink"


def test_a_sink_that_must_be_awaited_is_refused_for_a_synchronous_response() -> None:
    async def take(octets: bytes) -> None: ...

    for sink in (AsyncSilent(), take, lambda octets: take(octets)):
        with pytest.raises(BodyColourError, match="must be awaited"):
            Response(200, body=b"abc").write_to(sink)  # type: ignore[arg-type]
