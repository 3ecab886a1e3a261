"""A realistic S3 PutObject with 15 field lines, as an SDK sends it through this library, and the same by hand.

*Whole* is the way from the arguments to what a connector hands to its client: build, derive, three
interceptors, complete, check, sign, seal.  By hand it is the least code that gives the same lines: the
final list is known, nothing is checked, and the signing key is cached there too.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from stablehttp import (
    AnyRequest,
    AsyncBody,
    AsyncConnector,
    BytesBody,
    Capability,
    HttpVersion,
    Interceptor,
    Request,
    Response,
)
from stablehttp._call import Call
from stablehttp._interception import Interceptors
from stablehttp._outgoing import check_async
from stablehttp._settings import DEFAULT_TIMEOUTS
from stablehttp._signing import digest_at_hand
from stablehttp.signers import Credentials, SigV4Signer

NOW: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REGION: Final = "eu-central-1"
ACCESS_KEY: Final = "AKIDEXAMPLE"
SECRET_KEY: Final = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
HOST: Final = "media-archive.s3.eu-central-1.amazonaws.com"
PATH: Final = "/2024/holiday%20photos/IMG_0042.jpg"
QUERY: Final = "x-id=PutObject"
TARGET: Final = f"{PATH}?{QUERY}"
URL: Final = f"https://{HOST}{TARGET}"
CONTENT: Final = bytes(range(256)) * 4
AGENT: Final = "example-sdk/1.4.2 ua/2.1 os/linux#6.8 lang/python#3.13.1 md/arch#x86_64"
PARENT: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

LINES: Final = (
    ("Content-Type", "image/jpeg"),
    ("Content-MD5", "sslNZVCYmfGPgcpjG7U93w=="),
    ("Cache-Control", "max-age=31536000, immutable"),
    ("Content-Disposition", 'attachment; filename="IMG_0042.jpg"'),
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", AGENT),
    ("Amz-Sdk-Invocation-Id", "9c1c5b5e-1f0f-4f57-9a3e-2f6f1c1f8a10"),
    ("Amz-Sdk-Request", "attempt=1; max=3"),
    ("X-Amz-Storage-Class", "INTELLIGENT_TIERING"),
    ("X-Amz-Server-Side-Encryption", "aws:kms"),
    (
        "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
        "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    ),
    ("X-Amz-Tagging", "project=apollo&stage=prod"),
    ("X-Amz-Meta-Camera", "Pentax K-1"),
    ("X-Amz-Expected-Bucket-Owner", "111122223333"),
)
NOT_SIGNED: Final = frozenset({"accept-encoding", "user-agent", "traceparent"})


# --- through the library --------------------------------------------------------------------------


class NameTheApplication(Interceptor):
    """Replaces a line."""

    def modify_before_signing(self, request: AnyRequest) -> None:
        """Extend the agent."""
        request.headers.set("User-Agent", f"{AGENT} app/gallery")


class NameTheOrigin(Interceptor):
    """Sets a line that was not there."""

    def modify_before_signing(self, request: AnyRequest) -> None:
        """Set metadata."""
        request.headers["X-Amz-Meta-Origin"] = "gallery"


class Trace(Interceptor):
    """Appends a line."""

    def modify_before_signing(self, request: AnyRequest) -> None:
        """Add the parent of the trace."""
        request.headers.add("Traceparent", PARENT)


class Nowhere(AsyncConnector):
    """Declares everything and sends nothing, so that only the way to a connector is measured."""

    name = "nowhere"
    capabilities = {HttpVersion.HTTP_1_1: frozenset(Capability)}  # noqa: RUF012

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        """Answer at once."""
        return Response(200)


SIGNER: Final = SigV4Signer.for_s3(Credentials(ACCESS_KEY, SECRET_KEY), region=REGION)
INTERCEPTORS: Final = (NameTheApplication(), NameTheOrigin(), Trace())
_HOOKS: Final = Interceptors(INTERCEPTORS)
_NOWHERE: Final = Nowhere()


def build(lines: Sequence[tuple[str, str]] = LINES) -> Request[BytesBody]:
    """The request as an SDK builds it."""
    return Request("PUT", URL, headers=lines, body=CONTENT)


def prepare(request: Request[BytesBody]) -> Request[BytesBody]:
    """What the pipeline does before a connector converts."""
    call = Call(request, _NOWHERE, _HOOKS, check_async, None, None)
    call.complete(DEFAULT_TIMEOUTS)
    digest = digest_at_hand(call.ready.body, "sha256")
    return call.sign(SIGNER, digest, NOW)


def whole(lines: Sequence[tuple[str, str]] = LINES) -> Request[BytesBody]:
    """From the arguments to what a connector converts."""
    return prepare(build(lines))


# --- by hand --------------------------------------------------------------------------------------

_KEY = b"AWS4" + SECRET_KEY.encode()
for _step in (f"{NOW:%Y%m%d}", REGION, "s3", "aws4_request"):
    _KEY = hmac.digest(_KEY, _step.encode(), "sha256")


def lines_by_hand() -> list[tuple[str, str]]:
    """The final lines, written down, and signed."""
    digest = sha256(CONTENT).hexdigest()
    stamp = "%04d%02d%02dT%02d%02d%02dZ" % (NOW.year, NOW.month, NOW.day, NOW.hour, NOW.minute, NOW.second)  # noqa: UP031
    lines = [
        ("Host", HOST),
        ("Content-Type", "image/jpeg"),
        ("Content-MD5", "sslNZVCYmfGPgcpjG7U93w=="),
        ("Cache-Control", "max-age=31536000, immutable"),
        ("Content-Disposition", 'attachment; filename="IMG_0042.jpg"'),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", f"{AGENT} app/gallery"),
        ("Amz-Sdk-Invocation-Id", "9c1c5b5e-1f0f-4f57-9a3e-2f6f1c1f8a10"),
        ("Amz-Sdk-Request", "attempt=1; max=3"),
        ("X-Amz-Storage-Class", "INTELLIGENT_TIERING"),
        ("X-Amz-Server-Side-Encryption", "aws:kms"),
        (
            "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
            "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ),
        ("X-Amz-Tagging", "project=apollo&stage=prod"),
        ("X-Amz-Meta-Camera", "Pentax K-1"),
        ("X-Amz-Expected-Bucket-Owner", "111122223333"),
        ("X-Amz-Meta-Origin", "gallery"),
        ("Traceparent", PARENT),
        ("Content-Length", str(len(CONTENT))),
        ("X-Amz-Date", stamp),
        ("X-Amz-Content-Sha256", digest),
    ]
    lines.append(("Authorization", authorization_by_hand("PUT", lines, stamp, digest)))
    return lines


def authorization_by_hand(method: str, lines: Sequence[tuple[str, str]], stamp: str, digest: str) -> str:
    """SigV4 over lines of which no name is repeated and no value is untidy, on a path that needs no encoding."""
    signed = sorted([(name.lower(), value) for name, value in lines if name.lower() not in NOT_SIGNED])
    names = ";".join([name for name, _ in signed])
    block = "".join([f"{name}:{value}\n" for name, value in signed])
    canonical = f"{method}\n{PATH}\n{QUERY}\n{block}\n{names}\n{digest}"
    scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(_KEY, to_sign.encode(), "sha256").hex()
    return f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature}"
