"""The same request through botocore, and through smithy-http with aws-sdk-signers, as their SDKs do it."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

from tests.benchmarks.workload import (
    ACCESS_KEY,
    AGENT,
    CONTENT,
    HOST,
    LINES,
    PARENT,
    PATH,
    QUERY,
    REGION,
    SECRET_KEY,
    URL,
)

Peer = tuple[Callable[[], Any], Callable[[], Any]]
"""From the arguments to the client's form, and signing alone."""


def smithy() -> Peer:
    """Build a request of smithy-http, change three fields, sign, and convert as its aiohttp client does.

    Raises:
        ImportError: it is not installed.
    """
    from itertools import chain

    import yarl
    from aws_sdk_signers import AWSCredentialIdentity, SigV4Signer
    from multidict import CIMultiDict
    from smithy_core import URI
    from smithy_http import Field, Fields
    from smithy_http.aio import HTTPRequest

    signer = SigV4Signer()
    identity = AWSCredentialIdentity(access_key_id=ACCESS_KEY, secret_access_key=SECRET_KEY)
    properties: Any = {
        "region": REGION,
        "service": "s3",
        "date": "20260102T030405Z",
        "uri_encode_path": False,
        "content_checksum_enabled": True,
    }

    def build() -> Any:
        fields = Fields([Field(name=name, values=[value]) for name, value in LINES])
        request = HTTPRequest(
            method="PUT", destination=URI(host=HOST, path=PATH, query=QUERY), fields=fields, body=BytesIO(CONTENT)
        )
        fields.set_field(Field(name="User-Agent", values=[f"{AGENT} app/gallery"]))
        fields.set_field(Field(name="X-Amz-Meta-Origin", values=["gallery"]))
        fields.set_field(Field(name="Traceparent", values=[PARENT]))
        fields.set_field(Field(name="Host", values=[HOST]))
        fields.set_field(Field(name="Content-Length", values=[str(len(CONTENT))]))
        return request

    def sign(request: Any) -> Any:
        return signer.sign(request=request, identity=identity, properties=properties)

    def whole() -> tuple[Any, ...]:
        request = sign(build())
        lines = list(chain.from_iterable(field.as_tuples() for field in request.fields))
        uri = request.destination
        url = yarl.URL.build(
            scheme=uri.scheme, host=uri.host, path=uri.path or "", query_string=uri.query or "", encoded=True
        )
        return request.method, url, CIMultiDict(lines)

    built = build()
    return whole, lambda: sign(built)


def smithy_request() -> Callable[[], Any]:
    """Build a request of smithy-http with 15 fields, for its size.

    Raises:
        ImportError: it is not installed.
    """
    from smithy_core import URI
    from smithy_http import Field, Fields
    from smithy_http.aio import HTTPRequest

    return lambda: HTTPRequest(
        method="PUT",
        destination=URI(host=HOST, path=PATH, query=QUERY),
        fields=Fields([Field(name=name, values=[value]) for name, value in LINES]),
        body=CONTENT,
    )


def botocore() -> Peer:
    """Build a request of botocore, change three fields, sign, and prepare as it does before sending.

    Raises:
        ImportError: it is not installed.
    """
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    auth = S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION)

    def build() -> Any:
        request = AWSRequest(method="PUT", url=URL, headers=dict(LINES), data=CONTENT)
        del request.headers["User-Agent"]
        request.headers["User-Agent"] = f"{AGENT} app/gallery"
        request.headers["X-Amz-Meta-Origin"] = "gallery"
        request.headers["Traceparent"] = PARENT
        request.headers["Content-Length"] = str(len(CONTENT))
        request.context["payload_signing_enabled"] = True
        return request

    def whole() -> Any:
        request = build()
        auth.add_auth(request)
        return request.prepare()

    def sign() -> None:
        auth.add_auth(built)

    built = build()
    return whole, sign


PEERS: Final = {"smithy-http + aws-sdk-signers": smithy, "botocore": botocore}
