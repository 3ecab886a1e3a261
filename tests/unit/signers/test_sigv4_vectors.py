"""SigV4 and SigV4a against the published suites: canonical request, string to sign, signature (W11, U-B4)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import pytest
from tests.vectors import vectors

from stablehttp.signers import (
    Credentials,
    SigningChanges,
    SigningRules,
    SigningTrace,
    SigV4aQuerySigner,
    SigV4aSigner,
    SigV4QuerySigner,
    SigV4Signer,
)

V4: list[dict[str, Any]] = vectors("sigv4/v4.json")
OLD_LAYOUT: list[dict[str, Any]] = vectors("sigv4/old-layout.json")
# the suite publishes nothing but the request for some folders
V4A: list[dict[str, Any]] = [case for case in vectors("sigv4/v4a.json") if case["header"]["canonical_request"]]


def credentials_of(case: dict[str, Any]) -> Credentials:
    given = case["context"]["credentials"]
    return Credentials(given["access_key_id"], given["secret_access_key"], given.get("token"))


def rules_of(case: dict[str, Any], *, field: bool) -> SigningRules:
    context = case["context"]
    return SigningRules(
        path_segments="normalized" if context["normalize"] else "as-sent",
        content_field="sent" if context["sign_body"] and field else "omitted",
        session_token="unsigned" if context.get("omit_session_token") else "signed",
    )


def run(
    signer: SigV4Signer | SigV4QuerySigner | SigV4aSigner | SigV4aQuerySigner, case: dict[str, Any]
) -> tuple[SigningTrace, SigningChanges]:
    request = case["request"]
    fields = [(name, value) for name, value in request["headers"]]
    strings = (request["method"], "https://example.amazonaws.com", request["target"], fields)
    digest = hashlib.sha256(request["body"].encode()).hexdigest()
    now = datetime.fromisoformat(case["context"]["timestamp"])
    return (
        signer.trace(*strings, content_digest=digest, now=now),
        signer.sign(*strings, content_digest=digest, now=now),
    )


@pytest.mark.parametrize("case", V4 + OLD_LAYOUT, ids=lambda case: case["id"])
def test_the_authorization_field_is_the_published_one(case: dict[str, Any]) -> None:
    """W11, U-B4: strings and an iterator of strings go in; no HTTP type is seen."""
    context, expected = case["context"], case["header"]
    signer = SigV4Signer(
        credentials_of(case), region=context["region"], service=context["service"], rules=rules_of(case, field=True)
    )

    trace, changes = run(signer, case)

    assert trace.canonical_request == expected["canonical_request"]
    assert trace.string_to_sign == expected["string_to_sign"]
    assert changes.signature == expected["signature"]
    authorization = expected.get("authorization") or authorization_in(expected["signed_request"])
    assert dict(changes.set)["Authorization"] == authorization


def authorization_in(signed_request: str) -> str:
    return next(line for line in signed_request.split("\n") if line.startswith("Authorization:")).partition(":")[2]


@pytest.mark.parametrize("case", V4, ids=lambda case: case["id"])
def test_the_presigned_target_is_the_published_one(case: dict[str, Any]) -> None:
    """W11, U-B4."""
    context, expected = case["context"], case["query"]
    signer = SigV4QuerySigner(
        credentials_of(case),
        region=context["region"],
        service=context["service"],
        expires=context["expiration_in_seconds"],
        rules=rules_of(case, field=False),
    )

    trace, changes = run(signer, case)

    assert trace.canonical_request == expected["canonical_request"]
    assert trace.string_to_sign == expected["string_to_sign"]
    assert changes.signature == expected["signature"]
    assert changes.target == target_in(expected["signed_request"])


def target_in(signed_request: str) -> str:
    return signed_request.partition(" ")[2].partition(" HTTP/1.1\n")[0]


@pytest.mark.parametrize("case", V4A, ids=lambda case: case["id"])
@pytest.mark.parametrize("place", ["header", "query"])
def test_sigv4a_reads_requests_as_published(case: dict[str, Any], place: str) -> None:
    """W11, U-B4: canonical forms need no package."""
    pytest.importorskip("cryptography")
    signer = sigv4a_signer(case, place)

    trace, changes = run(signer, case)

    assert trace.canonical_request == case[place]["canonical_request"]
    assert trace.string_to_sign == case[place]["string_to_sign"]
    if place == "query":
        published = target_in(case[place]["signed_request"])
        assert (changes.target or "").partition("X-Amz-Signature")[0] == published.partition("X-Amz-Signature")[0]


@pytest.mark.parametrize("case", V4A, ids=lambda case: case["id"])
@pytest.mark.parametrize("place", ["header", "query"])
def test_sigv4a_signatures_are_verified_by_the_published_key(case: dict[str, Any], place: str) -> None:
    """U-B4: ours over our string, and the published one over the same string."""
    pytest.importorskip("cryptography")
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256

    point = case["public_key"]
    key = ec.EllipticCurvePublicNumbers(int(point["X"], 16), int(point["Y"], 16), ec.SECP256R1()).public_key()

    trace, changes = run(sigv4a_signer(case, place), case)

    for signature in (changes.signature, case[place]["signature"]):
        key.verify(bytes.fromhex(signature), trace.string_to_sign.encode(), ec.ECDSA(SHA256()))


def sigv4a_signer(case: dict[str, Any], place: str) -> SigV4aSigner | SigV4aQuerySigner:
    context, credentials = case["context"], credentials_of(case)
    region_set, service = context["region"], context["service"]
    if place == "header":
        rules = rules_of(case, field=True)
        return SigV4aSigner(credentials, region_set=region_set, service=service, rules=rules)
    rules, expires = rules_of(case, field=False), context["expiration_in_seconds"]
    return SigV4aQuerySigner(credentials, region_set=region_set, service=service, expires=expires, rules=rules)
