"""Signed requests that two real S3 servers accept, through every connector (W11, U-B1, U-B4).

The servers work out the signature from what arrives, so whatever a client changes on the way is a 403.
"""

from __future__ import annotations

import pytest
from tests.integration.callers import WAYS, Way, caller
from tests.integration.servers import BUCKET, CREDENTIALS, REGION, S3Server

from stablehttp import DualBody, UnsupportedTransportError, aws_chunked, with_checksum
from stablehttp.signers import SigningRules, SigV4Signer

pytestmark = pytest.mark.xdist_group("s3")  # one server of each kind for all of them
KEYS = (
    "a%20b", "a%2Fb%20c.txt", "a+b", "a%2Bb", "%C3%BC%E2%82%AC", "~u", "%7Eu", "x%252Fy", "100%25", "a%2fb", "a=b&c",
    "it%27s~%281%29!*", "k%3A%40%26%3D%24%2C%3B%21%2A", "...", ".hidden",
)  # fmt: skip
QUERIES = (
    "?", "?list-type=2&prefix={}%2Fk%3A", "?list-type=2&flag&prefix={}&flag",
    "?list-type=2&prefix=a&prefix=b&max-keys=7",
    "?list-type=2&prefix={}%2Fa+b%20c&x=~%7E&y='&z=/?:@", "?list-type=2&delimiter=%2F&empty=&=v&",
)  # fmt: skip
REPEATED = "?list-type=2&prefix=b&prefix=a&flag=2&flag=1"
CONTENT = bytes(range(256)) * 80
UNSIGNED = SigV4Signer(
    CREDENTIALS,
    region=REGION,
    service="s3",
    rules=SigningRules(path_encoding="once", path_segments="as-sent", content="unsigned", content_field="sent"),
)


@pytest.mark.parametrize("way", WAYS)
async def test_objects_with_odd_keys_are_put_got_and_deleted(s3: S3Server, way: Way) -> None:
    async with caller(way, s3) as call:
        for number, key in enumerate((*KEYS, *(["a//b", "c/"] if s3.keeps_empty_segments else []))):
            target, content = f"/{BUCKET}/{way}/{key}", f"content {number}".encode() * 100
            assert await call.send("PUT", target, content if not key.endswith("/") else b"") == (200, b""), key
            if not key.endswith("/"):
                assert await call.send("GET", target) == (200, content), key
            assert (await call.send("DELETE", target))[0] == 204, key
            assert (await call.send("GET", target))[0] == 404, key


@pytest.mark.parametrize("way", WAYS)
async def test_repeated_and_valueless_parameters_are_signed_as_they_are_sent(s3: S3Server, way: Way) -> None:
    async with caller(way, s3) as call:
        for query in (*QUERIES, *([REPEATED] if s3.sorts_repeated_parameters else [])):
            try:
                status, listing = await call.send("GET", f"/{BUCKET}{query.format(way)}")
            except UnsupportedTransportError:
                assert (way.role.name, "'" in query) == ("pyqwest", True), query
                continue

            assert (status, b"ListBucketResult" in listing) == (200, True), query


@pytest.mark.parametrize("way", WAYS)
async def test_presigned_requests_and_unsigned_content_are_accepted(s3: S3Server, way: Way) -> None:
    async with caller(way, s3) as call:
        for signer in (s3.presigner(), UNSIGNED):
            target = f"/{BUCKET}/{way}/pre%20signed~%2B"
            assert await call.send("PUT", target, CONTENT, signer=signer) == (200, b"")
            assert await call.send("GET", target, signer=signer) == (200, CONTENT)
            assert await call.send("GET", f"{target}?flag&a=1&a=2", signer=signer) == (200, CONTENT)
            assert await call.send("HEAD", target, signer=signer) == (200, b"")
            assert (await call.send("DELETE", target, signer=signer))[0] == 204


def chunked(kind: str) -> DualBody:
    match kind.split(", "):
        case ["signed"]:
            return aws_chunked(CONTENT, chunk_size=8192)
        case ["signed", algorithm]:
            return aws_chunked(with_checksum(CONTENT, f"x-amz-checksum-{algorithm}", algorithm), chunk_size=8192)
        case ["unsigned", algorithm]:
            checked = with_checksum(CONTENT, f"x-amz-checksum-{algorithm}", algorithm)
            return aws_chunked(checked, signatures="unsigned")
    raise AssertionError(kind)


@pytest.mark.parametrize("way", WAYS)
async def test_content_in_signed_chunks_arrives_decoded(s3: S3Server, way: Way) -> None:
    """The servers verify the chain, or take the chunks apart at least; rclone keeps signed trailers as content."""
    kinds = ["signed", "unsigned, crc32"]
    if s3.verifies_chunks:
        kinds += ["signed, crc32", "signed, sha256", "signed, sha1"]
    async with caller(way, s3) as call:
        target = f"/{BUCKET}/{way}/chunked"
        for kind in kinds:
            assert await call.send("PUT", target, chunked(kind)) == (200, b""), kind
            assert await call.send("GET", target) == (200, CONTENT), kind
            assert (await call.send("DELETE", target))[0] == 204
