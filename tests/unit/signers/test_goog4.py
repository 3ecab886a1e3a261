"""GOOG4: SigV4's shape in other words (W11, U-B4)."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from tests.vectors import vectors

from stablehttp._errors import SigningError
from stablehttp.signers import Credentials, GOOG4QuerySigner, GOOG4Signer, ServiceAccount

# in this one the suite's string to sign is not the hash of its own canonical request
CASES: list[dict[str, Any]] = [
    case for case in vectors("goog4/v4-signatures.json") if case["id"] != "Universe domain with virtual hosted style"
]
EMAIL = "test-iam-credentials@dummy-project-id.iam.gserviceaccount.com"
HMAC_KEY = Credentials("GOOGTS7C7FUP3AIRVJTE2BCD", "bGoa+V7g/yqDXvKRqq+JTFn4uQZbPiQJo4pf9RzJ")
NOW = datetime(2019, 2, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_requests_are_read_as_published(case: dict[str, Any]) -> None:
    """U-B4: canonical forms need neither the key nor a package."""
    url = urlsplit(case["expectedUrl"])
    given = case.get("queryParameters", {})
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in given.items())
    signer = GOOG4QuerySigner(ServiceAccount(EMAIL, b"no key here"), expires=case["expiration"])

    trace = signer.trace(
        case["method"],
        f"{url.scheme}://{url.netloc}",
        f"{url.path}?{query}" if query else url.path,
        list(case.get("headers", {}).items()),
        now=datetime.fromisoformat(case["timestamp"]),
    )

    assert trace.canonical_request == case["expectedCanonicalRequest"]
    assert trace.string_to_sign == case["expectedStringToSign"]


def test_content_announced_by_its_field_is_signed_so() -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    signer = GOOG4QuerySigner(HMAC_KEY, expires=10)

    trace = signer.trace("PUT", "https://storage.googleapis.com", "/b/o", [("X-Goog-Content-SHA256", digest)], now=NOW)

    assert trace.canonical_request.endswith(f"\nhost;x-goog-content-sha256\n{digest}")


def test_an_hmac_key_is_derived_in_googles_words() -> None:
    key = b"GOOG4" + HMAC_KEY.secret_access_key.encode()
    for step in ("20190201", "auto", "storage", "goog4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    signer = GOOG4Signer(HMAC_KEY)
    strings = ("GET", "https://storage.googleapis.com", "/b/o", [("Host", "storage.googleapis.com")])
    digest = hashlib.sha256(b"").hexdigest()

    changes = signer.sign(*strings, content_digest=digest, now=NOW)

    trace = signer.trace(*strings, content_digest=digest, now=NOW)
    assert changes.signature == hmac.digest(key, trace.string_to_sign.encode(), "sha256").hex()
    assert dict(changes.set)["Authorization"] == (
        f"GOOG4-HMAC-SHA256 Credential={HMAC_KEY.access_key_id}/20190201/auto/storage/goog4_request, "
        f"SignedHeaders=host;x-goog-content-sha256;x-goog-date, Signature={changes.signature}"
    )


def test_a_service_account_signs_with_its_rsa_key() -> None:
    pytest.importorskip("cryptography")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    signer = GOOG4QuerySigner(ServiceAccount(EMAIL, pem), expires=10)
    strings = ("GET", "https://storage.googleapis.com", "/b/o")

    url = signer.presign(*strings, now=NOW)

    to_sign = signer.trace(*strings, [], now=NOW).string_to_sign
    signature = bytes.fromhex(url.rpartition("X-Goog-Signature=")[2])
    key.public_key().verify(signature, to_sign.encode(), padding.PKCS1v15(), SHA256())


def test_a_port_is_left_out_of_the_signed_host_and_an_address_keeps_its_colons() -> None:
    signer = GOOG4QuerySigner(HMAC_KEY, expires=10)

    for origin, host in [
        ("http://localhost:8080", "localhost"),
        ("http://[::1]:8080", "[::1]"),
        ("http://[::1]", "[::1]"),
    ]:
        assert f"\nhost:{host}\n" in signer.trace("GET", origin, "/", [], now=NOW).canonical_request


def test_a_session_token_is_refused() -> None:
    with pytest.raises(SigningError, match="GOOG4 has no session tokens"):
        GOOG4Signer(Credentials("GOOG1", "secret", "token"))


def test_what_is_no_private_key_is_refused_without_showing_it() -> None:
    pytest.importorskip("cryptography")
    signer = GOOG4QuerySigner(ServiceAccount(EMAIL, b"hush"), expires=10)

    with pytest.raises(SigningError, match="no PEM that can be read") as caught:
        signer.presign("GET", "https://storage.googleapis.com", "/", now=NOW)

    assert "hush" not in str(caught.value)


def test_keys_are_not_shown() -> None:
    for shown in (ServiceAccount(EMAIL, b"hush"), GOOG4Signer(HMAC_KEY), GOOG4QuerySigner(HMAC_KEY, expires=1)):
        assert "hush" not in repr(shown)
        assert HMAC_KEY.secret_access_key not in repr(shown)
