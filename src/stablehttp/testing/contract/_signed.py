"""Rules about signed requests: what was signed is what a server works out again from what arrived.

Stands on the bench and on signers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from stablehttp._aws_chunked import aws_chunked
from stablehttp._body import AsyncBody, Body, SyncBody
from stablehttp._computed_trailers import with_checksum
from stablehttp._errors import UnsupportedTransportError
from stablehttp._message import AnyRequest, Request
from stablehttp._uri import URI
from stablehttp.signers import (
    DEFAULT_RULES,
    S3_RULES,
    Credentials,
    GOOG4Signer,
    SigV4QuerySigner,
    SigV4Signer,
)
from stablehttp.testing._origin_log import Received
from stablehttp.testing.contract._bench import Bench, content_of
from stablehttp.testing.contract._requests import TARGETS
from stablehttp.testing.contract._rule import Rule, require, same

_CREDENTIALS: Final = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/+=")
_S3: Final = SigV4Signer(_CREDENTIALS, region="eu-west-1", service="s3", rules=S3_RULES)
_SIGNERS: Final = (
    _S3,
    SigV4Signer(_CREDENTIALS, region="eu-west-1", service="execute-api", rules=DEFAULT_RULES),
    GOOG4Signer(Credentials("GOOG1EXAMPLE", "secret")),
)
_LINES: Final = [
    ("X-Amz-Meta-Repeated", "b"),
    ("x-amz-meta-repeated", "a"),
    ("X-Amz-Meta-Spaces", "a  b\t , c"),
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Accept-Encoding", "identity"),
    ("X-Empty", ""),
]


async def lets_a_server_find_the_string_that_was_signed(bench: Bench) -> None:
    """What a connector refuses (other rules say whether it may) leaves nothing for a server to find."""
    arrived = 0
    for signer in _SIGNERS:
        for index, target in enumerate(TARGETS):
            content = b"content" if index % 2 else b""
            request = Request("PUT", bench.url(target), headers=_LINES, body=content)
            arrived += await _signed_or_refused(bench, signer, request)
    with_host = [("X-A", "1"), ("Host", "forwarded.test:8443")]
    await _signed_or_refused(bench, _S3, Request("GET", bench.url("/override?b&a"), headers=with_host))
    require(arrived * 2 > len(_SIGNERS) * len(TARGETS), "most targets can be signed and sent")


async def _signed_or_refused(bench: Bench, signer: SigV4Signer | GOOG4Signer, request: AnyRequest) -> bool:
    before = bench.octets
    try:
        await _sign_and_compare(bench, signer, request)
    except UnsupportedTransportError:
        same(bench.octets, before, "octets that arrived of a refused request")
        return False
    return True


async def _sign_and_compare(bench: Bench, signer: SigV4Signer | GOOG4Signer, request: AnyRequest) -> None:
    received = await _deliver(bench, request, signer)
    stamp = (received.values("x-amz-date") or received.values("x-goog-date"))[0].decode()
    now = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    sent = bench.driver.last
    digest = sha256(content_of(request)).hexdigest()
    ours = signer.trace(sent.method, sent.uri.origin, sent.target, sent.headers, content_digest=digest, now=now)
    found = signer.trace(*_parts(bench, received), content_digest=received.content_sha256, now=now)
    same(found.canonical_request, ours.canonical_request, "canonical request worked out from what arrived")
    again = signer.sign(*_parts(bench, received), content_digest=received.content_sha256, now=now)
    same(received.values("authorization"), (dict(again.set)["Authorization"].encode(),), "Authorization")


def _parts(bench: Bench, received: Received) -> tuple[str, str, str, list[tuple[str, str]]]:
    """What a signer takes, from nothing but what arrived; on HTTP/2 the authority stands for `Host`."""
    lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in received.fields]
    if received.authority is not None:
        lines.insert(0, ("host", received.authority.decode("latin-1")))
    return received.method.decode(), bench.origin.url, received.target.decode("latin-1"), lines


async def _deliver(bench: Bench, request: AnyRequest, signer: SigV4Signer | SigV4QuerySigner | GOOG4Signer) -> Received:
    await (await bench.driver.send(request, signer=signer)).read()
    return bench.origin.requests[-1]


async def leaves_one_fresh_field_of_each_when_signing_again(bench: Bench) -> None:
    stale = [
        ("authorization", "AWS4-HMAC-SHA256 stale"), ("X-Amz-Date", "20150830T123600Z"), ("Authorization", "older"),
        ("x-amz-security-token", "stale"), ("X-Amz-Content-Sha256", "0" * 64), ("x-amz-date", "19700101T000000Z"),
    ]  # fmt: skip
    request = Request("PUT", bench.url("/again"), headers=stale, body=b"content")
    for _ in range(2):
        received = await _deliver(bench, request, _S3)
        for name in ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"):
            values = received.values(name)
            same(len(values), 1, f"lines of {name}")
            require(values[0] not in [value.encode() for _, value in stale], f"{name} is fresh")
    presigner = SigV4QuerySigner.for_s3(_CREDENTIALS, region="eu-west-1", expires=60)
    presigned = URI(presigner.presign("GET", bench.origin.url, "/p?a=1", now=datetime(2015, 8, 30, tzinfo=UTC)))
    received = await _deliver(bench, Request("GET", presigned), presigner)
    names = [part.partition(b"=")[0] for part in received.target.partition(b"?")[2].split(b"&")]
    same(len(names), len(set(names)), "parameters of which there is one")
    require(b"20150830" not in received.target, "the date of the query is fresh")


async def sends_chunks_that_continue_the_signature(bench: Bench) -> None:
    content = bytes(range(256)) * 80
    for attempt in range(2):
        source = bench.source(content[:100], content[100:9000], content[9000:], length=len(content))
        received = await _deliver(bench, Request("PUT", bench.url("/chunks"), body=_chunked(source)), _S3)
        same(_verified(received), content, "content whose chain of signatures holds")
        same(received.values("content-encoding"), (b"aws-chunked",), "Content-Encoding")
        same(received.values("x-amz-decoded-content-length"), (b"20480",), "X-Amz-Decoded-Content-Length")
        same(received.values("content-length"), (str(received.content_length).encode(),), "Content-Length")
        same(source.closed, 1, f"times that the body was closed, attempt {attempt + 1}")
    replayed = Request("PUT", bench.url("/chunks"), body=aws_chunked(content, chunk_size=8192))
    same(_verified(await _deliver(bench, replayed, _S3)), content, "content that can be read again")
    same(_verified(await _deliver(bench, replayed, _S3)), content, "content that was read again")


def _chunked(source: Body) -> Body:
    name, algorithm = "x-amz-checksum-sha256", "sha256"
    if isinstance(source, AsyncBody):
        return aws_chunked(with_checksum(source, name, algorithm), chunk_size=8192)
    assert isinstance(source, SyncBody)
    return aws_chunked(with_checksum(source, name, algorithm), chunk_size=8192)


def _verified(received: Received) -> bytes:
    """The content, once every signature of chunks and trailers was worked out again."""
    stamp = received.values("x-amz-date")[0].decode()
    chain = _S3.chunk_signer(datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC))
    previous = received.values("authorization")[0].decode().rpartition("Signature=")[2]
    content, rest, size = b"", received.content, -1
    while size:
        head, _, rest = rest.partition(b"\r\n")
        size = int(head.partition(b";")[0], 16)
        previous = chain.sign_chunk(previous, rest[:size])
        same(head.partition(b"chunk-signature=")[2].decode(), previous, f"signature of a chunk of {size} octets")
        content, rest = content + rest[:size], rest[size + 2 if size else 0 :]
    if received.values("x-amz-trailer"):
        name, _, value = rest.decode().splitlines()[0].partition(":")
        signed = chain.sign_trailers(previous, [(name, value)])
        same(rest.decode().splitlines()[1], f"x-amz-trailer-signature:{signed}", "signature of the trailer")
    return content


RULES: Final = (
    Rule("a server finds the string that was signed", lets_a_server_find_the_string_that_was_signed, "U-B4 W11"),
    Rule("signing again leaves one of each", leaves_one_fresh_field_of_each_when_signing_again, "U-B7"),
    Rule("signed chunks continue the signature", sends_chunks_that_continue_the_signature, "U-B6 U-B7 W11"),
)
