"""Where content comes from: files, paths, readers, iterables, factories, pushed content."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from stablehttp import (
    AsyncBody,
    AsyncIterableBody,
    AsyncReaderBody,
    Body,
    BodyColourError,
    BodyTakenError,
    ClosedError,
    DualBody,
    FileBody,
    FramingError,
    InvalidBodyError,
    IterableBody,
    PushedBody,
    ReaderBody,
    Request,
    SyncBody,
    UnknownLengthError,
    apply_framing,
    normalize_body,
)
from stablehttp._body import make_body
from stablehttp._completion import complete
from stablehttp._readers import CHUNK
from stablehttp.adapting import AsyncOutgoing


class Reader:
    """A reader of `content` that notes how it was used."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)
        self.closed = 0

    def read(self, size: int = -1, /) -> bytes:
        assert size > 0, "asked for everything at once"
        return self._file.read(size)

    def close(self) -> None:
        self.closed += 1


class AsyncReader(Reader):
    async def read(self, size: int = -1, /) -> bytes:  # type: ignore[override]
        return super().read(size)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "content"
    file.write_bytes(b"0123456789")
    return file


async def agather(body: AsyncBody) -> bytes:
    return b"".join([chunk async for chunk in body.achunks()])


def gather(body: SyncBody) -> bytes:
    return b"".join(body.chunks())


# --- what a value is ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (io.BytesIO(b"abc"), FileBody),
        (Reader(b"abc"), ReaderBody),
        (AsyncReader(b"abc"), AsyncReaderBody),
        ([b"abc"], IterableBody),
        (iter([b"abc"]), IterableBody),
    ],
    ids=["a file", "a reader", "an asynchronous reader", "a list", "an iterator"],
)
def test_a_value_becomes_the_body_of_its_kind_and_colour(value: object, kind: type[Body]) -> None:
    assert type(make_body(value)) is kind


async def test_a_stream_reader_is_read_in_chunks_and_not_in_lines() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"a\nb\n")
    stream.feed_eof()

    body = make_body(stream)

    assert isinstance(body, AsyncReaderBody)
    assert [chunk async for chunk in body] == [b"a\nb\n"]


def test_bytes_files_and_readers_that_block_have_both_colours_and_the_rest_has_one() -> None:
    """Colour is a type."""
    for value in (b"", io.BytesIO(), None, Reader(b"")):
        assert isinstance(make_body(value), DualBody)
    assert not isinstance(make_body(AsyncReader(b"")), SyncBody)
    assert not isinstance(make_body([b""]), AsyncBody)


def test_a_text_file_is_refused_with_a_message_that_says_bytes(path: Path) -> None:
    """U-H5."""
    with path.open() as text, tempfile.NamedTemporaryFile("w+") as wrapped:
        for file in (text, wrapped, io.StringIO("text")):
            with pytest.raises(InvalidBodyError, match="input is a text file, and content is bytes; open it .*'rb'"):
                make_body(file, where="input")
            with pytest.raises(InvalidBodyError, match="content is bytes"):
                FileBody(file)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (Path("/nowhere"), r"FileBody\.from_path"),
        (lambda: [b""], r"IterableBody\.from_factory"),
        ("/etc/passwd", r"value\.encode\(\)"),
        ({"a": 1}, "encode it first"),
        (3, "not int"),
    ],
    ids=["a path", "a factory", "a str that names a file", "a dict", "a number"],
)
def test_what_is_no_body_is_refused_with_the_name_of_the_parameter_and_a_way_out(value: object, hint: str) -> None:
    """S5, S6: a str that names a file is not opened."""
    with pytest.raises(InvalidBodyError, match=rf"^input\[stream\] .*{hint}") as caught:
        make_body(value, where="input[stream]")

    assert caught.value.where == "input[stream]"


def test_a_response_given_as_a_body_is_refused() -> None:
    from stablehttp import Response

    with pytest.raises(InvalidBodyError, match="not Response"):
        make_body(Response(200))


# --- files ----------------------------------------------------------------------------------------


def test_the_length_of_a_file_counts_from_where_it_stands(path: Path) -> None:
    """S4."""
    with path.open("rb") as file:
        file.seek(4)

        body = FileBody(file)

        assert (body.length, body.offset, file.tell()) == (6, 4, 4)
        assert gather(body) == b"456789"


async def test_a_file_is_sent_again_from_where_it_stood(path: Path) -> None:
    """U-H4: byte-compare both attempts."""
    with path.open("rb") as file:
        file.seek(4)
        body = FileBody(file)
        half = body.chunks()
        next(half)

        attempts = [await agather(body), gather(body), await agather(body)]

        assert attempts == [b"456789"] * 3
        assert body.replayable
        assert not file.closed


def test_a_file_that_was_written_to_counts_what_is_still_in_its_buffer() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"abc")
        file.seek(0)

        assert FileBody(file).length == 3


def test_a_compressed_file_counts_what_it_gives_and_not_what_lies_on_disk(tmp_path: Path) -> None:
    """The descriptor of a gzip file shows the compressed octets."""
    content = b"a" * 100_000
    with gzip.open(tmp_path / "a.gz", "wb") as packed:
        packed.write(content)

    with gzip.open(tmp_path / "a.gz", "rb") as file:
        body = FileBody(file)

        assert body.length == 100_000
        assert gather(body) == gather(body) == content


async def test_a_slice_of_a_file_can_be_sent(path: Path) -> None:
    body = FileBody.from_path(path, offset=2, length=3)

    assert body.length == 3
    assert await agather(body) == gather(body) == b"234"


def test_a_pipe_has_no_length_and_is_read_once() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as file:
        os.write(write, b"abc")
        os.close(write)

        body = FileBody(file)

        assert (body.length, body.replayable) == (None, False)
        assert gather(body) == b"abc"
        with pytest.raises(BodyTakenError):
            gather(body)


async def test_the_callers_file_is_never_closed_unless_it_is_handed_over(path: Path) -> None:
    with path.open("rb") as lent:
        body = FileBody(lent)
        await agather(body)
        await body.aclose()
        assert not lent.closed

    given = path.open("rb")
    owned = FileBody(given, owned=True)
    states = []
    owned.close()
    states.append(given.closed)
    content = gather(owned)
    owned.close()
    owned.close()
    states.append(given.closed)

    assert content == b"0123456789"
    assert states == [False, True], "what nobody read stays usable"
    assert not owned.replayable
    with pytest.raises(BodyTakenError):
        gather(owned)


async def test_a_path_is_opened_for_each_reading_and_closed_each_time(path: Path) -> None:
    """U-H7: warnings are errors here, so a file left open would fail."""
    body = FileBody.from_path(path)

    assert await agather(body) == gather(body) == b"0123456789"
    begun = body.achunks()
    await anext(begun)
    await body.aclose()
    await begun.aclose()  # type: ignore[attr-defined]


async def test_an_attempt_that_ends_late_takes_no_file_from_the_next(path: Path) -> None:
    """U-H4, U-H7: both read from the same path."""
    body = FileBody.from_path(path)
    late, next_one = body.achunks(), body.achunks()
    await anext(late)

    chunk = await anext(next_one)
    await late.aclose()  # type: ignore[attr-defined]
    await body.aclose()

    assert chunk == b"0123456789"
    assert [each async for each in next_one] == []


async def test_a_file_that_is_open_too_late_is_closed_by_whoever_opened_it(tmp_path: Path) -> None:
    """U-F3: a pipe is opened when its other end is; who was to read it has gone by then, and did not wait."""
    loop, started = asyncio.get_running_loop(), asyncio.Event()

    class Executor(ThreadPoolExecutor):
        def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
            return super().submit(lambda: (loop.call_soon_threadsafe(started.set), work(*arguments, **named))[1])

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    body = FileBody.from_path(pipe)
    loop.set_default_executor(Executor())
    reading = asyncio.ensure_future(anext(body.achunks()))
    await started.wait()

    reading.cancel()
    await asyncio.wait([reading], timeout=5)
    with pipe.open("wb"):
        ended = reading.cancelled()

    assert ended
    await loop.shutdown_default_executor()


def test_a_path_is_looked_at_when_the_body_is_built(tmp_path: Path, path: Path) -> None:
    with pytest.raises(InvalidBodyError, match="No such file") as caught:
        FileBody.from_path(tmp_path / "absent")
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    with pytest.raises(InvalidBodyError, match="directory"):
        FileBody.from_path(tmp_path)

    body = FileBody.from_path(path)
    path.unlink()
    with pytest.raises(InvalidBodyError, match="No such file"):
        gather(body)


def test_a_file_that_was_closed_meanwhile_is_a_named_error(path: Path) -> None:
    """U-E5."""
    with path.open("rb") as file:
        body = FileBody(file)

    with pytest.raises(InvalidBodyError, match="closed file"):
        gather(body)
    with pytest.raises(InvalidBodyError, match="closed file"):
        FileBody(file)


def test_a_file_that_grew_after_it_was_measured_is_not_sent_longer_than_declared(path: Path) -> None:
    """U-H2."""
    from stablehttp import ContentLengthError
    from stablehttp.adapting import SyncOutgoing

    request = Request("PUT", "http://a/", body=FileBody.from_path(path))
    complete(request)
    path.write_bytes(b"01234567890")

    with pytest.raises(ContentLengthError, match=r"more octets \(11 so far\) than the 10"):
        list(SyncOutgoing(request, "a test"))


@pytest.mark.parametrize("make", [FileBody, ReaderBody], ids=["a file", "a reader"])
async def test_what_blocks_does_not_block_the_event_loop(make: Callable[[io.RawIOBase], FileBody | ReaderBody]) -> None:
    """U-H6: each read waits for the heart to beat five times more, so it is seen whether the loop turns meanwhile."""
    beaten = threading.Condition()
    beats = 0

    class Slow(io.RawIOBase):
        def __init__(self) -> None:
            self.left = 3
            self.seen: list[bool] = []

        def seekable(self) -> bool:
            return False

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1, /) -> bytes:
            with beaten:
                wanted = beats + 5
                self.seen.append(beaten.wait_for(lambda: beats >= wanted, timeout=3))
            self.left -= 1
            return b"x" if self.left >= 0 else b""

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            with beaten:
                beats += 1
                beaten.notify_all()

    heart = asyncio.create_task(beat())
    slow = Slow()
    content = await agather(make(slow))
    heart.cancel()

    assert content == b"xxx"
    assert slow.seen == [True] * 4


async def test_a_cancelled_reading_does_not_disturb_the_next(path: Path) -> None:
    """U-H4, U-H7: the thread of the first may still be busy."""
    gate = threading.Event()

    class Gated(io.BufferedReader):
        held = True

        def read(self, size: int | None = -1, /) -> bytes:
            if self.held:
                self.held = False
                gate.wait(5)
            return super().read(size)

    with Gated(io.FileIO(path)) as file:
        body = FileBody(file)
        first = asyncio.create_task(agather(body))
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        second = asyncio.create_task(agather(body))
        await asyncio.sleep(0.05)
        gate.set()

        assert await second == b"0123456789"


async def test_large_files_come_in_chunks_of_a_bounded_size(tmp_path: Path) -> None:
    """S1."""
    large = tmp_path / "large"
    large.write_bytes(b"x" * (3 * CHUNK + 1))

    sizes = [len(chunk) async for chunk in FileBody.from_path(large)]

    assert sizes == [CHUNK, CHUNK, CHUNK, 1]


# --- readers --------------------------------------------------------------------------------------


async def test_a_reader_is_read_once_and_closed_only_if_it_is_handed_over() -> None:
    lent, given, agiven = Reader(b"abc"), Reader(b"abc"), AsyncReader(b"abc")
    for body in (ReaderBody(lent), ReaderBody(given, owned=True)):
        assert gather(body) == b"abc"
        body.close()
        body.close()
        with pytest.raises(BodyTakenError):
            gather(body)
    asynchronous = AsyncReaderBody(agiven, owned=True)
    assert await agather(asynchronous) == b"abc"
    await asynchronous.aclose()
    await asynchronous.aclose()

    assert (lent.closed, given.closed, agiven.closed) == (0, 1, 1)


async def test_a_reader_that_blocks_is_read_in_another_thread_which_closes_it_if_it_is_given_up() -> None:
    """U-H6, U-H7."""
    reading, going_on, closed = threading.Event(), threading.Event(), threading.Event()

    class Slow:
        def __init__(self) -> None:
            self.closed: list[str] = []
            self.busy = False

        def read(self, size: int, /) -> bytes:
            self.busy = True
            reading.set()
            going_on.wait(5)
            self.busy = False
            return b"late"

        def close(self) -> None:
            self.closed.append("while it was read" if self.busy else "at rest")
            closed.set()

    slow = Slow()
    body = ReaderBody(slow, owned=True)
    task = asyncio.create_task(agather(body))
    await asyncio.to_thread(reading.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await body.aclose()
    assert slow.closed == []

    going_on.set()
    await asyncio.to_thread(closed.wait, 5)
    await body.aclose()

    assert slow.closed == ["at rest"]


def test_a_reader_that_gives_text_or_nothing_at_all_is_an_error() -> None:
    class Text:
        def read(self, size: int, /) -> str:
            return "text"

    class Empty:
        def read(self, size: int, /) -> None:
            return None

    with pytest.raises(InvalidBodyError, match="gave a str, and content is bytes"):
        gather(ReaderBody(Text()))  # type: ignore[arg-type]
    with pytest.raises(InvalidBodyError, match="does not block"):
        gather(ReaderBody(Empty()))


# --- factories ------------------------------------------------------------------------------------


async def test_a_factory_makes_a_fresh_iterable_for_each_reading() -> None:
    """U-H4."""

    def pieces() -> Iterator[bytes]:
        yield b"a"
        yield b"b"

    async def apieces() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    synchronous = IterableBody.from_factory(pieces, length=2)
    asynchronous = AsyncIterableBody.from_factory(apieces)

    assert synchronous.replayable
    assert asynchronous.replayable
    assert gather(synchronous) == gather(synchronous) == b"ab"
    assert await agather(asynchronous) == await agather(asynchronous) == b"ab"


async def test_a_factory_that_gives_the_same_iterator_twice_is_caught() -> None:
    """U-H4: no second attempt is ever sent empty."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"

    once, aonce = iter([b"a"]), pieces()
    synchronous = IterableBody.from_factory(lambda: once)
    asynchronous = AsyncIterableBody.from_factory(lambda: aonce)
    gather(synchronous)
    await agather(asynchronous)

    with pytest.raises(BodyTakenError, match="same iterator a second time"):
        gather(synchronous)
    with pytest.raises(BodyTakenError, match="same iterator a second time"):
        await agather(asynchronous)


async def test_a_factory_of_the_wrong_colour_or_kind_is_refused() -> None:
    async def apieces() -> AsyncIterator[bytes]:
        yield b"a"

    with pytest.raises(BodyColourError, match="factory of a body must give an iterable of bytes"):
        gather(IterableBody.from_factory(apieces))  # type: ignore[arg-type]
    with pytest.raises(BodyColourError, match="must give an asynchronous iterable"):
        await agather(AsyncIterableBody.from_factory(lambda: [b"a"]))  # type: ignore[arg-type, return-value]
    with pytest.raises(InvalidBodyError, match="not bytes"):
        gather(IterableBody.from_factory(lambda: b"abc"))  # type: ignore[arg-type, return-value]


# --- pushed content -------------------------------------------------------------------------------


async def test_pushed_content_arrives_and_the_end_of_the_block_is_its_end() -> None:
    body = PushedBody()
    reading = asyncio.create_task(agather(body))

    async with body:
        await body.write(b"a")
        await body.write(b"")
        await body.write(bytearray(b"b"))

    assert await reading == b"ab"


async def test_a_writer_waits_while_enough_octets_wait_to_be_sent() -> None:
    """U-J7: back-pressure is visible to the producer."""
    body = PushedBody(buffer=4)
    written = 0

    async def write() -> None:
        nonlocal written
        async with body:
            for _ in range(10):
                await body.write(b"ab")
                written += 2

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.02)
    assert written <= 4
    content = await agather(body)
    await writing

    assert (content, written) == (b"ab" * 10, 20)


async def test_content_that_its_writer_did_not_finish_is_an_error_and_not_an_end() -> None:
    body = PushedBody()
    reading = asyncio.create_task(agather(body))

    with pytest.raises(KeyError):
        async with body:
            await body.write(b"a")
            raise KeyError("lost")

    with pytest.raises(InvalidBodyError, match="failed with KeyError") as caught:
        await reading
    assert isinstance(caught.value.__cause__, KeyError)


async def test_a_writer_is_told_that_nobody_reads_any_more() -> None:
    """U-J2: nothing hangs."""
    body = PushedBody(buffer=1)
    chunks = body.achunks(reader="connector 'x'")
    writing = asyncio.create_task(body.write(b"a"))
    await anext(chunks)
    await writing

    blocked = asyncio.create_task(body.write(b"bb"))
    await asyncio.sleep(0)
    await body.aclose()
    with pytest.raises(ClosedError, match="nobody reads"):
        await blocked

    with pytest.raises(ClosedError, match="nobody reads the body any more: connector 'x' closed it"):
        await body.write(b"c")
    body.finish()
    with pytest.raises(ClosedError, match="was finished"):
        await body.write(b"c")


# --- lengths --------------------------------------------------------------------------------------


def test_a_required_length_that_cannot_be_known_is_a_named_error_before_anything_is_read() -> None:
    """S3."""
    reader = Reader(b"abc")

    with pytest.raises(UnknownLengthError, match=r"^input\.body must have a known length") as caught:
        normalize_body(reader, requires_length=True, where="input.body")

    assert isinstance(caught.value, RuntimeError)
    assert gather(ReaderBody(reader)) == b"abc"


@pytest.mark.parametrize(
    "value", [b"abc", io.BytesIO(b"abc"), IterableBody(iter([b"abc"]), length=3), None], ids=lambda v: type(v).__name__
)
def test_a_required_length_that_is_known_is_enough(value: object) -> None:
    """S3: from len, from seek and tell, and said."""
    assert normalize_body(value, requires_length=True).length in (0, 3)


def framed(request: Request[Body], *, requires_length: bool = False) -> list[tuple[str, str]]:
    apply_framing(request, requires_length=requires_length)
    apply_framing(request, requires_length=requires_length)
    before = list(request.headers)
    complete(request)
    assert list(request.headers)[1:] == before, "sending decides the same"
    return before


def test_framing_is_applied_as_sending_would() -> None:
    """S2, S19."""
    url = "http://a/"

    assert framed(Request("PUT", url, body=b"abc")) == [("Content-Length", "3")]
    assert framed(Request("PUT", url)) == [("Content-Length", "0")]
    assert framed(Request("GET", url)) == []
    assert framed(Request("PUT", url, body=iter([b"a"]))) == [("Transfer-Encoding", "chunked")]
    assert framed(Request("PUT", url, body=b"abc", trailers=[("T", "1")])) == [
        ("Transfer-Encoding", "chunked"), ("Trailer", "T"),
    ]  # fmt: skip
    assert framed(Request("PUT", url, headers=[("Content-Length", "1")], body=iter([b"a"])), requires_length=True) == [
        ("Content-Length", "1")
    ]


def test_with_a_required_length_content_is_never_chunked() -> None:
    """S2, S3: and a refused change changes nothing."""
    unknown = Request("PUT", "http://a/", body=iter([b"a"]))
    with pytest.raises(UnknownLengthError):
        apply_framing(unknown, requires_length=True)
    trailers = Request("PUT", "http://a/", body=b"a", trailers=[("T", "1")])
    with pytest.raises(FramingError, match="drop the trailers"):
        apply_framing(trailers, requires_length=True)

    assert list(unknown.headers) == list(trailers.headers) == []


# --- closing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["whole", "error", "cancelled", "stopped"])
async def test_a_source_is_closed_exactly_once_however_sending_ends(how: str) -> None:
    """U-H7."""
    closed = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            yield b"a"
            if how == "error":
                raise KeyError
            if how == "cancelled":
                await asyncio.Event().wait()
            yield b"b"
        finally:
            closed += 1

    request = Request("PUT", "http://a/", body=AsyncIterableBody.from_factory(pieces))
    complete(request)
    outgoing = AsyncOutgoing(request, "a test")

    async def send() -> None:
        try:
            async for _ in outgoing:
                if how == "stopped":
                    return
        finally:
            await outgoing.aclose()
            await outgoing.aclose()

    task = asyncio.create_task(send())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert closed == 1


async def test_memory_stays_flat_while_a_large_file_goes_by(tmp_path: Path) -> None:
    """U-J7, S1: 256 MiB of a sparse file, at most a few chunks at once."""
    import tracemalloc

    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(256 * 1024 * 1024)
    request = Request("PUT", "http://a/", body=FileBody.from_path(large))
    complete(request)
    outgoing = AsyncOutgoing(request, "a test")
    tracemalloc.start()
    try:
        async for _ in outgoing:
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        await outgoing.aclose()

    assert outgoing.sent == 256 * 1024 * 1024
    assert peak < 8 * CHUNK
