"""The door `stablehttp.signers` (W11)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stablehttp import signers
from stablehttp.signers import (
    Credentials,
    GOOG4QuerySigner,
    GOOG4Signer,
    MessageKey,
    MessageSigner,
    Signer,
    SigV4aQuerySigner,
    SigV4aSigner,
    SigV4QuerySigner,
    SigV4Signer,
)

CREDENTIALS = Credentials("AKIDEXAMPLE", "secret")


def test_every_name_of_the_door_can_be_had() -> None:
    for name in signers.__all__:
        assert getattr(signers, name) is not None

    assert dir(signers) == sorted(signers.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        getattr(signers, "Nothing")  # noqa: B009 (a type checker would refuse the plain form)


def test_signing_loads_neither_a_client_nor_a_loop_nor_a_package() -> None:
    """W11: no HTTP types in or out, and nothing but the standard library for SigV4."""
    code = """
import sys
from datetime import UTC, datetime
from stablehttp.signers import Credentials, SigV4Signer, explain_mismatch
signer = SigV4Signer.for_s3(Credentials("id", "secret"), region="us-east-1")
signer.sign("GET", "https://a.test", "/a%20b?c", [("Host", "a.test")], content_digest="0" * 64, now=datetime.now(UTC))
foreign = {"aiohttp", "httpx", "httpx2", "awscrt", "multidict", "yarl", "h11", "asyncio", "ssl", "http", "email"}
print(*sorted({*foreign, "cryptography", "http_sf"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.split() == []


def test_every_signer_keeps_the_protocol() -> None:
    """W11: a type checker reads the annotation, and this the rest."""
    every: list[Signer] = [
        SigV4Signer.for_s3(CREDENTIALS, region="us-east-1"),
        SigV4QuerySigner.for_s3(CREDENTIALS, region="us-east-1", expires=1),
        SigV4aSigner.for_s3(CREDENTIALS, region_set="*"),
        SigV4aQuerySigner.for_s3(CREDENTIALS, region_set="*", expires=1),
        GOOG4Signer(CREDENTIALS),
        GOOG4QuerySigner(CREDENTIALS, expires=1),
        MessageSigner(MessageKey.hmac_sha256(b"secret"), covered=["@method"], label="mine"),
    ]

    assert [signer.name for signer in every] == [
        *("SigV4", "SigV4", "SigV4a", "SigV4a", "GOOG4", "GOOG4", "message signature 'mine'"),
    ]
    assert [signer.content_digest for signer in every] == ["sha256", None, "sha256", None, "sha256", None, None]
