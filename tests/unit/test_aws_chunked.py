"""Content in signed chunks on its way through a pipeline (W11, U-B7)."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from stablehttp import (
    AsyncBody,
    AsyncIterableBody,
    AsyncPipeline,
    CallOptions,
    ContentLengthError,
    DualBody,
    InvalidBodyError,
    IterableBody,
    MisuseError,
    Progress,
    Request,
    Response,
    SigningError,
    SyncBody,
    SyncPipeline,
    UnknownLengthError,
    aws_chunked,
    with_checksum,
    with_progress,
    with_trailers,
)
from stablehttp.signers import ChunkSigner, Credentials, SigV4aSigner, SigV4QuerySigner, SigV4Signer
from stablehttp.testing import AsyncMemoryConnector, Rule, SyncMemoryConnector

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIGNER = SigV4Signer.for_s3(Credentials("AKID", "secret"), region="eu-west-1")
URL = "https://bucket.test/a%2Fb"
CONTENT = bytes(range(256)) * 80  # 20 480 octets: two chunks and a half of 8 KiB
CRC = base64.b64encode(zlib.crc32(CONTENT).to_bytes(4, "big")).decode()


async def stream(content: bytes = CONTENT, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def pieces(content: bytes = CONTENT, size: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@dataclass
class Arrived:
    """What a server would have read."""

    fields: dict[str, str]
    raw: bytes

    def chunks(self) -> tuple[list[tuple[bytes, str]], list[tuple[str, str]]]:
        """Each chunk with its signature, and the trailers; the grammar is checked on the way."""
        rest, found = self.raw, []
        while True:
            head, _, rest = rest.partition(b"\r\n")
            length, _, extension = head.partition(b";chunk-signature=")
            size = int(length, 16)
            if not size:
                break
            found.append((rest[:size], extension.decode()))
            assert rest[size : size + 2] == b"\r\n"
            rest = rest[size + 2 :]
        found.append((b"", extension.decode()))
        assert rest.endswith(b"\r\n")
        lines = rest.decode().split("\r\n")[:-2]
        return found, [(line.partition(":")[0], line.partition(":")[2]) for line in lines]


def arrivals(connector: AsyncMemoryConnector | SyncMemoryConnector) -> list[Arrived]:
    return [Arrived({name.lower(): value for name, value in one.headers}, one.content) for one in connector.requests]


def verify(arrived: Arrived) -> bytes:
    """Work out the whole chain again from what arrived, and give the content."""
    chain: ChunkSigner = SIGNER.chunk_signer(NOW)
    previous = arrived.fields["authorization"].rpartition("Signature=")[2]
    chunks, trailers = arrived.chunks()
    for chunk, signature in chunks:
        assert signature == chain.sign_chunk(previous, chunk)
        previous = signature
    if trailers:
        name, signature = trailers.pop()
        assert name == "x-amz-trailer-signature"
        assert signature == chain.sign_trailers(previous, trailers)
    assert len(arrived.raw) == int(arrived.fields["content-length"])
    return b"".join(chunk for chunk, _ in chunks)


async def send(request: Request[AsyncBody], **options: object) -> list[Arrived]:
    connector = AsyncMemoryConnector([Rule(Response(200))])
    pipeline = AsyncPipeline(connector, signer=SIGNER, clock=lambda: NOW, **options)  # type: ignore[arg-type]
    await pipeline.send(request)
    return arrivals(connector)


async def test_a_stream_is_signed_chunk_by_chunk_after_the_request() -> None:
    body = aws_chunked(AsyncIterableBody(stream(), length=len(CONTENT)), chunk_size=8192)

    [arrived] = await send(Request("PUT", URL, body=body))

    assert verify(arrived) == CONTENT
    assert [len(chunk) for chunk, _ in arrived.chunks()[0]] == [8192, 8192, 4096, 0]
    assert arrived.fields["content-encoding"] == "aws-chunked"
    assert arrived.fields["x-amz-decoded-content-length"] == "20480"
    assert arrived.fields["x-amz-content-sha256"] == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    assert "transfer-encoding" not in arrived.fields
    signed = arrived.fields["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"content-encoding", "content-length", "x-amz-decoded-content-length"} <= set(signed)


def test_the_synchronous_twin_signs_alike() -> None:
    connector = SyncMemoryConnector([Rule(Response(200))])
    body = aws_chunked(IterableBody(pieces(), length=len(CONTENT)), chunk_size=8192)

    SyncPipeline(connector, signer=SIGNER, clock=lambda: NOW).send(Request("PUT", URL, body=body))

    assert verify(arrivals(connector)[0]) == CONTENT


async def test_a_checksum_becomes_a_signed_trailer_inside_the_content() -> None:
    body = aws_chunked(with_checksum(io.BytesIO(CONTENT), "x-amz-checksum-crc32", "crc32"), chunk_size=8192)

    [arrived] = await send(Request("PUT", URL, body=body))

    assert verify(arrived) == CONTENT
    assert arrived.chunks()[1][0] == ("x-amz-checksum-crc32", CRC)
    assert arrived.fields["x-amz-trailer"] == "x-amz-checksum-crc32"
    assert arrived.fields["x-amz-content-sha256"] == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    assert "trailer" not in arrived.fields


async def test_unsigned_chunks_are_protected_by_their_trailer_alone() -> None:
    body = aws_chunked(with_checksum(CONTENT, "x-amz-checksum-crc32", "crc32"), signatures="unsigned")

    [arrived] = await send(Request("PUT", URL, body=body))

    assert arrived.raw == b"5000\r\n" + CONTENT + f"\r\n0\r\nx-amz-checksum-crc32:{CRC}\r\n\r\n".encode()
    assert arrived.fields["content-length"] == str(len(arrived.raw))
    assert arrived.fields["x-amz-content-sha256"] == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


async def test_unsigned_chunks_go_without_a_signer_and_with_one_of_sigv4a() -> None:
    body = aws_chunked(with_checksum(CONTENT, "x-amz-checksum-crc32", "crc32"), signatures="unsigned")
    connector = AsyncMemoryConnector([Rule(Response(200))])
    asymmetric = SigV4aSigner.for_s3(Credentials("AKID", "secret"), region_set="*")

    await AsyncPipeline(connector).send(Request("PUT", URL, body=body))
    await AsyncPipeline(connector, signer=asymmetric).send(Request("PUT", URL, body=body))

    for arrived in arrivals(connector):
        assert arrived.fields["x-amz-content-sha256"] == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


async def test_sending_again_begins_a_chain_of_its_own_and_leaves_one_of_each_field() -> None:
    """U-B7: what an earlier attempt announced and signed is neither kept nor doubled."""
    connector = AsyncMemoryConnector([Rule(Response(200))])
    clock = iter([NOW, NOW.replace(second=6)])
    pipeline = AsyncPipeline(connector, signer=SIGNER, clock=lambda: next(clock))
    request = Request("PUT", URL, headers=[("Content-Encoding", "gzip")], body=aws_chunked(CONTENT, chunk_size=8192))

    await pipeline.send(request)
    await pipeline.send(request)

    first, second = arrivals(connector)
    assert verify(first) == CONTENT
    assert first.chunks()[0][0][1] != second.chunks()[0][0][1]
    for arrived in (first, second):
        assert arrived.fields["content-encoding"] == "gzip, aws-chunked"
    for one in connector.requests:
        assert len({name.lower() for name, _ in one.headers}) == len(one.headers)
    assert list(request.headers) == [("Content-Encoding", "gzip")]


async def test_two_attempts_at_a_time_do_not_share_a_chain() -> None:
    """U-B7: each is signed before the content of either is read."""
    request = Request("PUT", URL, body=aws_chunked(CONTENT, chunk_size=8192))
    waiting: list[Request[AsyncBody]] = []

    class Holding:
        async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
            waiting.append(request)
            return Response(200)

    clock = iter([NOW, NOW.replace(second=6)])
    pipeline = AsyncPipeline(Holding(), signer=SIGNER, clock=lambda: next(clock))
    await pipeline.send(request)
    await pipeline.send(request)

    first = waiting[0]
    raw = b"".join([chunk async for chunk in first.body])
    assert verify(Arrived({name.lower(): value for name, value in first.headers}, raw)) == CONTENT


async def test_progress_may_look_from_above_and_from_below() -> None:
    above: list[Progress] = []
    below: list[Progress] = []
    body = with_progress(aws_chunked(with_progress(CONTENT, below.append), chunk_size=8192), above.append)

    [arrived] = await send(Request("PUT", URL, body=body))

    assert verify(arrived) == CONTENT
    assert (below[-1].octets, above[-1].octets) == (len(CONTENT), len(arrived.raw))


async def test_the_progress_of_a_call_counts_what_is_sent() -> None:
    seen: list[Progress] = []
    connector = AsyncMemoryConnector([Rule(Response(200))])
    request = Request("PUT", URL, body=aws_chunked(AsyncIterableBody(stream(), length=len(CONTENT)), chunk_size=8192))

    await AsyncPipeline(connector, signer=SIGNER, clock=lambda: NOW).send(
        request, options=CallOptions(progress=seen.append)
    )

    [arrived] = arrivals(connector)
    assert verify(arrived) == CONTENT
    sent = [one for one in seen if one.direction == "sent"]
    assert (sent[-1].octets, sent[-1].total) == (len(arrived.raw), len(arrived.raw))


class Count:
    """Computes a trailer whose length nobody knows."""

    def __init__(self) -> None:
        self.octets = 0

    def update(self, octets: bytes, /) -> None:
        self.octets += len(octets)

    def lines(self) -> Iterable[tuple[str, str]]:
        return [("x-amz-meta-count", str(self.octets))]


async def test_a_trailer_of_unknown_length_is_sent_in_chunks_of_http_too() -> None:
    body = aws_chunked(with_trailers(CONTENT, ["x-amz-meta-count"], Count), chunk_size=8192)

    [arrived] = await send(Request("PUT", URL, body=body))

    assert arrived.fields["transfer-encoding"] == "chunked"
    assert "content-length" not in arrived.fields
    assert arrived.chunks()[1][0] == ("x-amz-meta-count", "20480")


async def test_empty_content_is_one_empty_chunk() -> None:
    [arrived] = await send(Request("PUT", URL, body=aws_chunked(b"")))

    assert verify(arrived) == b""
    assert arrived.fields["x-amz-decoded-content-length"] == "0"


def test_a_body_keeps_its_colour() -> None:
    assert isinstance(aws_chunked(CONTENT), DualBody)
    asynchronous = aws_chunked(AsyncIterableBody(stream(), length=3))
    assert not isinstance(asynchronous, SyncBody)
    assert not isinstance(aws_chunked(IterableBody(pieces(), length=3)), AsyncBody)
    assert (asynchronous.replayable, aws_chunked(CONTENT).replayable) == (False, True)


@pytest.mark.parametrize("declared", [len(CONTENT) + 1, len(CONTENT) - 1], ids=["fewer", "more"])
async def test_content_of_another_length_than_declared_is_an_error(declared: int) -> None:
    body = aws_chunked(AsyncIterableBody(stream(), length=declared), chunk_size=8192)

    with pytest.raises(ContentLengthError) as caught:
        await send(Request("PUT", URL, body=body))

    assert caught.value.declared == declared


async def test_signed_chunks_need_a_signer_that_can_go_on() -> None:
    request = Request("PUT", URL, body=aws_chunked(CONTENT))
    presigner = SigV4QuerySigner.for_s3(Credentials("AKID", "secret"), region="eu-west-1", expires=60)
    connector = AsyncMemoryConnector([Rule(Response(200))])

    with pytest.raises(SigningError, match="the pipeline has none; use SigV4Signer"):
        await AsyncPipeline(connector).send(request)
    with pytest.raises(SigningError, match="SigV4 is none"):
        await AsyncPipeline(connector, signer=presigner).send(request)

    assert connector.requests == ()
    with pytest.raises(MisuseError, match="send it through a pipeline with a signer"):
        b"".join(request.body)


def test_what_s3_would_refuse_is_refused_when_it_is_built() -> None:
    with pytest.raises(UnknownLengthError, match="known length"):
        aws_chunked(stream())
    with pytest.raises(InvalidBodyError, match="8192 octets or more"):
        aws_chunked(CONTENT, chunk_size=100)
    with pytest.raises(InvalidBodyError, match="aws-chunked already"):
        aws_chunked(aws_chunked(CONTENT))
    with pytest.raises(InvalidBodyError, match="need a trailer"):
        aws_chunked(CONTENT, signatures="unsigned")
