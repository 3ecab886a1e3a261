"""Credentials, derived keys, and that none of them is ever shown."""

from __future__ import annotations

import copy
import hmac
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from stablehttp._errors import MissingExtraError, SigningError
from stablehttp.signers import (
    Credentials,
    MessageKey,
    MessageSigner,
    SigningChanges,
    SigningKeyCache,
    SigV4aQuerySigner,
    SigV4aSigner,
    SigV4QuerySigner,
    SigV4Signer,
    _sigv4a,
)
from stablehttp.signers._signing_key import SigningKey, derive_key

SECRET, TOKEN = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjHUSH"
CREDENTIALS = Credentials("AKIDEXAMPLE", SECRET, TOKEN)
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)

SIGNERS: dict[str, Callable[[], object]] = {
    "credentials": lambda: CREDENTIALS,
    "sigv4": lambda: SigV4Signer.for_s3(CREDENTIALS, region="us-east-1"),
    "sigv4 query": lambda: SigV4QuerySigner.for_s3(CREDENTIALS, region="us-east-1", expires=1),
    "sigv4a": lambda: SigV4aSigner.for_s3(CREDENTIALS, region_set="*"),
    "sigv4a query": lambda: SigV4aQuerySigner.for_s3(CREDENTIALS, region_set="us-*,eu-west-1", expires=1),
    "message": lambda: MessageSigner(MessageKey.hmac_sha256(SECRET.encode()), covered=["@method"]),
}


@pytest.mark.parametrize("make", SIGNERS.values(), ids=SIGNERS)
def test_repr_shows_no_secret(make: Callable[[], object]) -> None:
    shown = repr(make()) + str(make())

    assert SECRET not in shown
    assert TOKEN not in shown


def test_the_changes_show_no_secret() -> None:
    signer = SigV4Signer(CREDENTIALS, region="us-east-1", service="iam")

    changes = signer.sign("GET", "https://a.test", "/", [], content_digest="0" * 64, now=NOW)

    assert TOKEN not in repr(changes)
    assert changes.signature not in repr(changes)
    assert repr(changes) == "<SigningChanges removes 4 fields, sets X-Amz-Date, X-Amz-Security-Token, Authorization>"
    assert repr(SigningChanges()) == "<SigningChanges removes 0 fields, sets none>"


@pytest.mark.parametrize("parts", [("", "secret"), ("id", ""), ("i\nd", "secret"), ("id", "secret", "to\nken")])
def test_credentials_that_cannot_be_right_are_refused_without_showing_them(parts: tuple[str, ...]) -> None:
    with pytest.raises(SigningError, match=r"is empty|holds a control character") as caught:
        Credentials(*parts)

    assert "secret" not in str(caught.value).replace("secret_access_key", "")


def test_credentials_are_equal_by_value_and_can_be_copied() -> None:
    assert copy.copy(CREDENTIALS) == pickle.loads(pickle.dumps(CREDENTIALS)) == CREDENTIALS


@pytest.mark.parametrize("length", [0, 1, 32, 64])
def test_a_prepared_key_signs_as_hmac_does(length: int) -> None:
    key = bytes(range(length))

    assert SigningKey(key).sign(b"message") == hmac.digest(key, b"message", "sha256").hex()


def test_a_key_is_derived_step_by_step() -> None:
    """The example of the AWS documentation."""
    key = derive_key("AWS4", SECRET, "20120215", "us-east-1", "iam", "aws4_request")

    expected = bytes.fromhex("f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d")
    assert key.sign(b"x") == hmac.digest(expected, b"x", "sha256").hex()


def test_the_cache_keeps_the_keys_used_last() -> None:
    keys = SigningKeyCache(limit=2)
    first = keys.key("AWS4", SECRET, "1")
    keys.key("AWS4", SECRET, "2")

    assert keys.key("AWS4", SECRET, "1") is first
    keys.key("AWS4", SECRET, "3")

    assert len(keys) == 2
    assert keys.key("AWS4", SECRET, "1") is first


def test_the_cache_tells_secrets_apart_and_shows_none() -> None:
    keys = SigningKeyCache()

    one, other = keys.key("AWS4", SECRET, "1"), keys.key("AWS4", SECRET + "x", "1")

    assert one.sign(b"m") != other.sign(b"m")
    assert repr(keys) == "<SigningKeyCache of 2 keys, at most 64>"
    assert SECRET not in repr(keys._keys)


def test_threads_that_share_a_signer_agree() -> None:
    keys = SigningKeyCache(limit=2)
    signer = SigV4Signer(CREDENTIALS, region="us-east-1", service="iam", keys=keys)
    days = [NOW.replace(day=day) for day in range(1, 29)] * 20

    def sign(now: datetime) -> str:
        return signer.sign("GET", "https://a.test", "/", [], content_digest="0" * 64, now=now).signature

    with ThreadPoolExecutor(8) as pool:
        signatures = list(pool.map(sign, days))

    assert signatures == [sign(day) for day in days]
    assert len(keys) <= 2


@pytest.mark.parametrize(
    ("package", "use"),
    [
        (
            "cryptography",
            lambda: SigV4aSigner.for_s3(CREDENTIALS, region_set="*").sign(
                "GET", "https://a.test", "/", [], content_digest="0" * 64, now=NOW
            ),
        ),
        ("cryptography", lambda: MessageKey.ed25519(bytes(32))),
        ("cryptography", lambda: MessageKey.rsa_pss_sha512(b"pem")),
        (
            "http_sf",
            lambda: MessageSigner(MessageKey.hmac_sha256(b"s"), covered=["@method"]).sign(
                "GET", "https://a.test", "/", [], now=NOW
            ),
        ),
    ],
    ids=["sigv4a", "ed25519", "rsa", "structured fields"],
)
def test_a_missing_package_is_named_with_the_extra_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, package: str, use: Callable[[], object]
) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(MissingExtraError, match=rf"{package}.*install stablehttp\[signing\]") as caught:
        use()

    assert caught.value.extra == "signing"


def test_a_sigv4a_key_is_tried_for_until_it_is_a_number_of_the_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    first = _sigv4a.private_number(CREDENTIALS)
    monkeypatch.setattr(_sigv4a, "_ORDER_MINUS_TWO", first - 2)

    second = _sigv4a.private_number(CREDENTIALS)

    assert 1 <= second < first
    monkeypatch.setattr(_sigv4a, "_ORDER_MINUS_TWO", -1)
    with pytest.raises(SigningError, match="no key can be derived"):
        _sigv4a.private_number(CREDENTIALS)


def test_canonical_forms_of_sigv4a_need_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    signer = SigV4aSigner.for_s3(CREDENTIALS, region_set="us-east-1,eu-*")

    trace = signer.trace("GET", "https://a.test", "/", [], content_digest="0" * 64, now=NOW)

    assert "\nx-amz-region-set:us-east-1,eu-*\n" in trace.canonical_request
    assert trace.string_to_sign.startswith("AWS4-ECDSA-P256-SHA256\n20150830T123600Z\n20150830/s3/aws4_request\n")
