"""Two real S3 servers refuse whatever was changed after signing, through every connector (U-B4, U-B8, W11).

The pipeline seals what was signed, so the changes are made behind its back, on a request of one's own.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.integration.callers import WAYS, Caller, Way, caller
from tests.integration.servers import BUCKET, CREDENTIALS, REGION, S3Server

from stablehttp import URI, AnyRequest, BytesBody, Request, UnsupportedTransportError, aws_chunked, with_checksum
from stablehttp.signers import Credentials, SigV4QuerySigner, SigV4Signer

pytestmark = pytest.mark.xdist_group("s3")
CONTENT = b"as it was"
ELSE = b"something else"
MD5 = b64encode(hashlib.md5(ELSE, usedforsecurity=False).digest()).decode()
LINES = [
    ("X-Amz-Meta-A", "1"), ("Content-Type", "text/plain"), ("Content-MD5", MD5), ("X-Other", "y"), ("X-Other", "z"),
]  # fmt: skip
HOUR = timedelta(hours=1)
FRAMING = {"host", "content-length"}


def altered(value: str) -> str:
    """Another value of the same length and kind."""
    last = value[-2] if value.endswith("Z") else value[-1]
    other = {"0": "1"}.get(last, "0")
    return f"{value[:-2]}{other}Z" if value.endswith("Z") else value[:-1] + other


def with_parts(
    request: AnyRequest,
    content: bytes,
    *,
    method: str | None = None,
    uri: URI | None = None,
    lines: list[tuple[str, str]] | None = None,
) -> Request[BytesBody]:
    return Request(method or request.method, uri or request.uri, headers=lines or list(request.headers), body=content)


def forged_requests(signed: AnyRequest, content: bytes) -> Iterator[tuple[str, Request[BytesBody]]]:
    """Each with one thing changed: method, path, query, each signed field, content, signature, credential."""
    lines, uri = list(signed.headers), signed.uri
    yield "method", with_parts(signed, content, method="DELETE")
    yield "path", with_parts(signed, content, uri=uri.with_target(f"{uri.target.partition('?')[0]}x?b=2&a=1&flag"))
    yield "a parameter more", with_parts(signed, content, uri=uri.with_target(f"{uri.target}&c=3"))
    yield "a value of a parameter", with_parts(signed, content, uri=uri.with_target(uri.target.replace("b=2", "b=3")))
    yield "a parameter less", with_parts(signed, content, uri=uri.with_target(uri.target.replace("&flag", "")))
    yield "content", with_parts(signed, content[:-1] + b"!")
    for name in signed_names(signed):
        if name not in FRAMING:
            changed = [(one, altered(value) if one.lower() == name else value) for one, value in lines]
            yield f"field {name}", with_parts(signed, content, lines=changed)
            yield f"no {name}", with_parts(signed, content, lines=[line for line in lines if line[0].lower() != name])
    yield "host", with_parts(signed, content, lines=[("Host", "other.test"), *lines[1:]])
    swapped = {("X-Other", "y"): ("X-Other", "z"), ("X-Other", "z"): ("X-Other", "y")}
    yield "order of one name", with_parts(signed, content, lines=[swapped.get(line, line) for line in lines])
    yield "a late field", with_parts(signed, content, lines=[*lines, ("X-Amz-Meta-Late", "1")])
    for what, old in (("signature", "Signature="), ("key", "Credential="), ("region", f"/{REGION}/")):
        changed = [(one, value.replace(old, f"{old[:-1]}{old[-1]}0", 1)) for one, value in lines]
        yield what, with_parts(signed, content, lines=changed)
    yield "no signature", with_parts(signed, content, lines=[line for line in lines if line[0] != "Authorization"])


def signed_names(signed: AnyRequest) -> list[str]:
    return signed.headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")


async def accepted_of(call: Caller, forged: Iterator[tuple[str, Request[BytesBody]]]) -> list[str]:
    """What the server wrongly took; what pyqwest cannot send as it is does not come so far."""
    taken: list[str] = []
    for what, request in forged:
        try:
            status, _ = await call.send_as_it_is(request)
        except UnsupportedTransportError:
            assert call.connector.name == "pyqwest", what
            continue
        if status < 400:
            taken.append(what)
    return taken


@pytest.mark.parametrize("way", WAYS)
async def test_a_request_that_was_changed_after_signing_is_refused(s3: S3Server, way: Way) -> None:
    async with caller(way, s3) as call:
        target = f"/{BUCKET}/{way}/kept"
        assert (await call.send("PUT", target, CONTENT))[0] == 200
        signed, content = call.signed("PUT", f"{target}?b=2&a=1&flag", ELSE, lines=LINES)

        assert await accepted_of(call, forged_requests(signed, content)) == []
        assert await call.send("GET", target) == (200, CONTENT)
        assert (await call.send_as_it_is(with_parts(signed, content)))[0] == 200


@pytest.mark.parametrize("way", WAYS)
async def test_a_request_of_another_time_or_by_somebody_else_is_refused(s3: S3Server, way: Way) -> None:
    stranger = SigV4Signer.for_s3(Credentials("NOBODY", "x"), region=REGION)
    impostor = SigV4Signer.for_s3(Credentials(CREDENTIALS.access_key_id, "guessed"), region=REGION)
    presigned_by_impostor = SigV4QuerySigner.for_s3(
        Credentials(CREDENTIALS.access_key_id, "guessed"), region=REGION, expires=60
    )
    async with caller(way, s3) as call:
        target = f"/{BUCKET}/{way}/nothing"
        cases = [
            ("an hour ago", call.signed("PUT", target, CONTENT, late=-HOUR)),
            ("in an hour", call.signed("PUT", target, CONTENT, late=HOUR)),
            ("expired", call.signed("PUT", target, CONTENT, signer=s3.presigner(60), late=-timedelta(minutes=2))),
            ("stranger", call.signed("PUT", target, CONTENT, signer=stranger)),
            ("impostor", call.signed("PUT", target, CONTENT, signer=impostor)),
            ("presigned by an impostor", call.signed("PUT", target, CONTENT, signer=presigned_by_impostor)),
        ]

        forged = iter([(what, with_parts(signed, content)) for what, (signed, content) in cases])

        assert await accepted_of(call, forged) == []
        assert (await call.send("GET", target))[0] == 404


def forged_urls(signed: AnyRequest) -> Iterator[tuple[str, Request[BytesBody]]]:
    """Each with one thing changed, every parameter of the signature among them."""
    uri = signed.uri
    path, _, query = uri.target.partition("?")
    parts = query.split("&")
    yield "method", with_parts(signed, b"", method="DELETE")
    yield "path", with_parts(signed, b"", uri=uri.with_target(f"{path}x?{query}"))
    yield "a parameter more", with_parts(signed, b"", uri=uri.with_target(f"{uri.target}&x=1"))
    for index, part in enumerate(parts):
        name = part.partition("=")[0]
        changed = [*parts[:index], altered(part), *parts[index + 1 :]]
        yield f"parameter {name}", with_parts(signed, b"", uri=uri.with_target(f"{path}?{'&'.join(changed)}"))
        less = "&".join([*parts[:index], *parts[index + 1 :]])
        yield f"no {name}", with_parts(signed, b"", uri=uri.with_target(f"{path}?{less}"))
    yield "a late field", with_parts(signed, b"", lines=[*signed.headers, ("X-Amz-Meta-Late", "1")])
    yield "host", with_parts(signed, b"", lines=[("Host", "other.test")])


@pytest.mark.parametrize("way", WAYS)
async def test_a_presigned_request_that_was_changed_is_refused(s3: S3Server, way: Way) -> None:
    async with caller(way, s3) as call:
        target = f"/{BUCKET}/{way}/presigned"
        assert (await call.send("PUT", target, CONTENT))[0] == 200
        signed, _ = call.signed("GET", f"{target}?flag&a=2", signer=s3.presigner(3600))

        assert await accepted_of(call, forged_urls(signed)) == []
        assert await call.send_as_it_is(with_parts(signed, b"")) == (200, CONTENT)


def forged_chunks(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Each of the same length with one thing changed."""
    first, last = raw.index(b"\r\n") + 2, raw.rindex(b"\r\n0;")
    yield "an octet of the first chunk", raw[:first] + b"\xff" + raw[first + 1 :]
    yield "an octet of the last chunk", raw[: last - 1] + b"\x00" + raw[last:]
    for what, place in (("first", first - 3), ("second", raw.index(b"\r\n", first + 8192 + 2) - 1)):
        digit = b"1" if raw[place : place + 1] == b"0" else b"0"
        yield f"the signature of the {what} chunk", raw[:place] + digit + raw[place + 1 :]
    if b"x-amz-checksum" in raw:
        place = raw.index(b"x-amz-checksum-crc32:") + len(b"x-amz-checksum-crc32:")
        digit = b"B" if raw[place : place + 1] == b"A" else b"A"
        yield "a trailer", raw[:place] + digit + raw[place + 1 :]


@pytest.mark.parametrize("way", WAYS)
async def test_chunks_that_were_changed_are_refused(s3: S3Server, way: Way) -> None:
    if not s3.verifies_chunks:
        pytest.skip(f"{s3.name} takes chunks apart and does not verify their signatures")
    whole = bytes(range(256)) * 80
    async with caller(way, s3) as call:
        target = f"/{BUCKET}/{way}/chunks"
        assert (await call.send("PUT", target, CONTENT))[0] == 200
        for body in (whole, with_checksum(whole, "x-amz-checksum-crc32", "crc32")):
            signed, raw = call.signed("PUT", target, aws_chunked(body, chunk_size=8192))
            forged = [(what, with_parts(signed, changed)) for what, changed in forged_chunks(raw)]

            assert await accepted_of(call, iter(forged)) == []
            assert await call.send("GET", target) == (200, CONTENT)
