"""Bodies end to end, through the embedded connector to a recording origin."""

from __future__ import annotations

import asyncio
import gc
import gzip
import hashlib
import io
import warnings
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from stablehttp import (
    AsyncMultipartBody,
    AsyncPipeline,
    ContentLengthError,
    FileBody,
    MultipartBody,
    Part,
    Progress,
    PushedBody,
    Request,
    SyncPipeline,
    adecoded,
    decoded,
    with_checksum,
    with_progress,
)
from stablehttp.testing import Answer, Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as started:
        yield started


async def test_a_file_goes_out_with_its_length_and_again_from_where_it_stood(origin: Origin, tmp_path: Path) -> None:
    """U-H1, U-H4: byte-compare both attempts."""
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 4096)
    with path.open("rb") as file:
        file.seek(256)
        request = Request("PUT", origin.url, body=file)
        async with AsyncPipeline() as pipeline:
            for _ in range(2):
                await (await pipeline.send(request)).aread()
        with SyncPipeline() as blocking:
            blocking.send(request).read()

    received = [await origin.atake() for _ in range(3)]

    assert [one.content for one in received] == [path.read_bytes()[256:]] * 3
    for one in received:
        assert one.values("content-length") == (b"1048320",)


async def test_a_form_with_a_stream_inside_arrives_whole(origin: Origin, tmp_path: Path) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    path = tmp_path / "file"
    path.write_bytes(b"content")
    known = MultipartBody([Part("f", FileBody.from_path(path), filename="f")], boundary="b")
    unknown = AsyncMultipartBody([Part("s", stream()), Part("f", FileBody.from_path(path))], boundary="b")

    async with AsyncPipeline() as pipeline:
        for body in (known, unknown):
            await (await pipeline.send(Request("POST", origin.url, body=body))).aread()

    first, second = await origin.atake(), await origin.atake()
    assert first.content == b"".join(known)
    assert b"\r\n\r\nonetwo\r\n--b\r\n" in second.content
    assert second.content.endswith(b"\r\n\r\ncontent\r\n--b--\r\n")


async def test_pushed_content_is_sent_while_it_is_written(origin: Origin) -> None:
    body = PushedBody()

    async with AsyncPipeline() as pipeline, asyncio.TaskGroup() as group:
        sending = group.create_task(pipeline.send(Request("POST", origin.url, body=body)))
        async with body:
            for _ in range(50):
                await body.write(b"x" * 10_000)
    await sending.result().aread()

    assert (await origin.atake()).content == b"x" * 500_000


async def test_a_file_that_is_shorter_than_declared_is_never_taken_for_the_whole(
    origin: Origin, tmp_path: Path
) -> None:
    """U-H2."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    request = Request("PUT", origin.url, body=FileBody.from_path(path))
    path.write_bytes(b"012")

    async with AsyncPipeline() as pipeline:
        with pytest.raises(ContentLengthError, match="fewer octets"):
            await pipeline.send(request)


async def test_progress_is_told_in_both_directions(origin: Origin) -> None:
    origin.script([Answer(200, b"y" * 3)])
    seen: list[Progress] = []
    request = Request("PUT", origin.url, body=with_progress(io.BytesIO(b"xx"), seen.append))

    async with AsyncPipeline() as pipeline:
        response = await pipeline.send(request)
        response.watch(seen.append)
        await response.aread()

    assert (seen[0], seen[-1]) == (Progress("sent", 2, 2), Progress("received", 3, 3))


@pytest.mark.parametrize("status", [200, 404])
async def test_only_a_success_is_written_to_the_file(origin: Origin, tmp_path: Path, status: int) -> None:
    """S13."""
    origin.script([Answer(status, b"content")] * 2)

    async with AsyncPipeline() as pipeline:
        response = await pipeline.send(Request("GET", origin.url))
        written = await response.awrite_to(tmp_path / "async")
    with SyncPipeline() as blocking:
        also = blocking.send(Request("GET", origin.url)).write_to(tmp_path / "sync")

    assert written == also == (7 if status == 200 else None)
    assert (tmp_path / "async").exists() == (tmp_path / "sync").exists() == (status == 200)


async def test_content_is_as_on_the_wire_unless_decoding_is_asked_for(origin: Origin) -> None:
    """U-D2."""
    packed = gzip.compress(b"content")
    origin.script([Answer(200, packed, fields=[("Content-Encoding", "gzip")])] * 3)

    async with AsyncPipeline() as pipeline:
        raw = await pipeline.send(Request("GET", origin.url))
        assert await raw.aread() == packed
        assert await adecoded(await pipeline.send(Request("GET", origin.url))).atext() == "content"
    with SyncPipeline() as blocking:
        assert decoded(blocking.send(Request("GET", origin.url))).text() == "content"


async def test_a_dropped_response_is_one_warning_and_its_connection_is_not_leaked(origin: Origin) -> None:
    """U-F4."""
    origin.script([Answer(200, b"x" * 1_000_000)] * 2)

    async with AsyncPipeline() as pipeline:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            response = await pipeline.send(Request("GET", origin.url))
            del response
            gc.collect()
        again = await pipeline.send(Request("GET", origin.url))
        assert len(await again.aread()) == 1_000_000

    assert [w.category for w in caught] == [ResourceWarning]
    assert f"GET http://{origin.authority}" in str(caught[0].message)


async def test_a_checksum_follows_the_content_as_a_trailer(origin: Origin) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b"con"
        yield b"tent"

    request = Request("PUT", origin.url, body=with_checksum(stream(), "X-Sum"), trailers=[("X-Given", "1")])
    async with AsyncPipeline() as pipeline:
        await (await pipeline.send(request)).aread()

    received = await origin.atake()
    checksum = b64encode(hashlib.sha256(b"content").digest())
    assert received.trailers == ((b"X-Given", b"1"), (b"X-Sum", checksum))
