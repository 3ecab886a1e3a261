"""HTTP message signatures (RFC 9421) and Content-Digest (W11, U-B4)."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.vectors import vectors

from stablehttp._errors import SigningError
from stablehttp.signers import (
    Component,
    MessageKey,
    MessageSigner,
    RequestParts,
    ResponseParts,
    content_digest,
    content_digest_of,
    read_signature_input,
    signature_base,
)

pytest.importorskip("http_sf")

SUITE: dict[str, Any] = vectors("rfc9421/examples.json")
CREATED = datetime.fromtimestamp(1618884473, UTC)
SECRET = MessageKey.hmac_sha256(b"secret")


def parts(text: str) -> RequestParts | ResponseParts:
    start, *lines = text.partition("\n\n")[0].split("\n")
    fields = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    first, second, _ = start.split(" ", 2)
    if first.startswith("HTTP/"):
        return ResponseParts(int(second), fields)
    return RequestParts(first, "https://example.com", second, fields)


def published(case: dict[str, Any], name: str) -> str:
    lines = (line.partition(": ") for line in case["messages"][0].split("\n"))
    return str(next(value for line_name, _, value in lines if line_name == name))


def message_of(case: dict[str, Any]) -> RequestParts | ResponseParts:
    message = parts(SUITE["test_messages"]["Response" in case["id"]])
    # the response of the suite has one digest and its signature another: that of the body
    right = content_digest(b'{"message": "good dog"}', "sha-512")
    if isinstance(message, ResponseParts):
        fields = [(name, right if name == "Content-Digest" else value) for name, value in message.fields]
        return ResponseParts(message.status, fields)
    return message


def signature_of(case: dict[str, Any]) -> bytes:
    return b64decode(published(case, "Signature").partition("=:")[2].rstrip(":"))


def case_of(word: str) -> dict[str, Any]:
    return next(case for case in SUITE["cases"] if word in case["id"])


def public_key(name: str) -> Any:
    pytest.importorskip("cryptography")
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return load_pem_public_key(SUITE["keys"][name][0].encode())


# --- the examples of the specification ------------------------------------------------------------


@pytest.mark.parametrize("case", SUITE["cases"], ids=lambda case: case["id"])
def test_the_signature_base_is_the_published_one(case: dict[str, Any]) -> None:
    """U-B4."""
    [(covered, parameters)] = read_signature_input(published(case, "Signature-Input")).values()

    assert signature_base(message_of(case), covered, parameters) == case["bases"][0]


@pytest.mark.parametrize(
    ("word", "key_id", "make_key"),
    [
        (
            "hmac",
            "test-shared-secret",
            lambda: MessageKey.hmac_sha256(b64decode(SUITE["keys"]["test-shared-secret"][0])),
        ),
        ("ed25519", "test-key-ed25519", lambda: MessageKey.ed25519(b64decode(SUITE["keys"]["test-key-ed25519"][1]))),
    ],
    ids=["hmac", "ed25519"],
)
def test_the_signer_sets_the_published_fields(word: str, key_id: str, make_key: Callable[[], MessageKey]) -> None:
    pytest.importorskip("cryptography")
    case = case_of(word)
    [(label, (covered, _))] = read_signature_input(published(case, "Signature-Input")).items()
    message = message_of(case)
    assert isinstance(message, RequestParts)
    signer = MessageSigner(make_key(), covered=covered, key_id=key_id, label=label)

    changes = signer.sign(message.method, message.origin, message.target, message.fields, now=CREATED)

    assert dict(changes.set) == {name: published(case, name) for name in ("Signature-Input", "Signature")}


def test_the_published_rsa_pss_signature_is_over_our_base() -> None:
    key, case = public_key("test-key-rsa-pss"), case_of("rsa-pss")
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA512

    pss = padding.PSS(mgf=padding.MGF1(SHA512()), salt_length=64)
    key.verify(signature_of(case), base_of(case), pss, SHA512())


def test_the_published_ecdsa_signature_is_over_our_base() -> None:
    key, case = public_key("test-key-ecc-p256"), case_of("ecdsa")
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256

    key.verify(to_asn1(signature_of(case)), base_of(case), ec.ECDSA(SHA256()))


def base_of(case: dict[str, Any]) -> bytes:
    [(covered, parameters)] = read_signature_input(published(case, "Signature-Input")).values()
    return signature_base(message_of(case), covered, parameters).encode()


def to_asn1(signature: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    half = len(signature) // 2
    return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))


# --- components -----------------------------------------------------------------------------------

REQUEST = RequestParts(
    "POST",
    "https://www.Example.com:443",
    "/path?param=value&foo=bar&baz=bat%2Dman&qux=&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something&twice=1&twice=2",
    [
        ("Date", "Tue, 20 Apr 2021 02:07:56 GMT"),
        ("X-OWS-Header", "   Leading and trailing whitespace.   "),
        ("X-Obs-Fold-Header", "Obsolete\r\n    line folding."),
        ("Cache-Control", "max-age=60"),
        ("cache-control", "   must-revalidate"),
        ("Example-Dict", " a=1,    b=2;x=1;y=2,   c=(a   b    c), d"),
        ("Example-Header", "value, with, lots"),
        ("Example-Header", "of, commas"),
        ("X-Empty-Header", ""),
        ("X-Octets", "caf\u00e9"),
        ("Example-Same", "a, a"),
    ],
    [("Expires", "Wed, 9 Nov 2022 07:28:00 GMT")],
)


@pytest.mark.parametrize(
    ("component", "value"),
    [
        ("@method", "POST"),
        ("@target-uri", REQUEST.origin + REQUEST.target),
        ("@authority", "www.example.com"),
        ("@scheme", "https"),
        ("@request-target", REQUEST.target),
        ("@path", "/path"),
        ("@query", "?" + REQUEST.target.partition("?")[2]),
        ('"@query-param";name="baz"', "bat-man"),
        ('"@query-param";name="qux"', ""),
        ('"@query-param";name="bar"', "with%20plus%20whitespace"),
        ('"@query-param";name="fa%C3%A7ade%22%3A%20"', "something"),
        ("Date", "Tue, 20 Apr 2021 02:07:56 GMT"),
        ("x-ows-header", "Leading and trailing whitespace."),
        ("x-obs-fold-header", "Obsolete line folding."),
        ("cache-control", "max-age=60, must-revalidate"),
        ("x-empty-header", ""),
        ('"example-dict"', "a=1,    b=2;x=1;y=2,   c=(a   b    c), d"),
        ('"example-dict";sf', "a=1, b=2;x=1;y=2, c=(a b c), d"),
        ('"example-dict";key="a"', "1"),
        ('"example-dict";key="b"', "2;x=1;y=2"),
        ('"example-dict";key="c"', "(a b c)"),
        ('"example-dict";key="d"', "?1"),
        ('"example-header";bs', ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:"),
        ('"x-octets";bs', ":Y2Fm6Q==:"),
        ('"expires";tr', "Wed, 9 Nov 2022 07:28:00 GMT"),
    ],
)
def test_a_component_of_a_request_has_the_value_of_the_specification(component: str, value: str) -> None:
    """U-B4: the derived components and the field parameters of RFC 9421 §2."""
    base = signature_base(REQUEST, [component], {})

    identifier = component if component.startswith('"') else f'"{component.lower()}"'
    assert base == f'{identifier}: {value}\n"@signature-params": ({identifier})'


def test_a_response_covers_its_status_and_components_of_its_request() -> None:
    response = ResponseParts(503, [("Content-Type", "text/plain")], request=REQUEST)

    base = signature_base(response, ["@status", "content-type", '"@method";req', '"date";req'], {"created": 1})

    assert base == (
        '"@status": 503\n"content-type": text/plain\n"@method";req: POST\n'
        '"date";req: Tue, 20 Apr 2021 02:07:56 GMT\n'
        '"@signature-params": ("@status" "content-type" "@method";req "date";req);created=1'
    )


@pytest.mark.parametrize(
    ("request_parts", "path", "query"),
    [
        (RequestParts("GET", "https://a.test", "/"), "/", "?"),
        (RequestParts("GET", "https://a.test", "/a?"), "/a", "?"),
        (RequestParts("GET", "https://a.test", "?b"), "/", "?b"),
        (RequestParts("GET", "https://a.test", "https://a.test/b?c"), "/b", "?c"),
        (RequestParts("OPTIONS", "https://a.test", "*"), "*", "?"),
    ],
    ids=["root", "empty query", "empty path", "absolute form", "asterisk form"],
)
def test_path_and_query_are_always_there(request_parts: RequestParts, path: str, query: str) -> None:
    base = signature_base(request_parts, ["@path", "@query"], {})

    assert base.startswith(f'"@path": {path}\n"@query": {query}\n')


def test_the_authority_is_what_the_host_field_says() -> None:
    request = RequestParts("GET", "http://10.0.0.1:9000", "/", [("Host", "A.test:80")])

    assert signature_base(request, ["@authority"], {}).startswith('"@authority": a.test\n')


def test_a_structured_field_of_unknown_kind_is_refused_only_if_the_kind_matters() -> None:
    with pytest.raises(SigningError, match="field 'example-same' has no known structure"):
        signature_base(REQUEST, ['"example-same";sf'], {})

    base = signature_base(REQUEST, ['"example-same";sf'], {}, structures={"example-same": "list"})

    assert base.startswith('"example-same";sf: a, a\n')


def test_a_component_can_be_made_from_name_and_parameters() -> None:
    component = Component("example-dict", {"key": "a"})

    assert str(component) == '"example-dict";key="a"'
    assert component == Component.parse('"example-dict";key="a"')
    assert signature_base(REQUEST, [component], {}) == signature_base(REQUEST, [str(component)], {})


@pytest.mark.parametrize(
    ("component", "why"),
    [
        ("absent", "is not in the message"),
        ("expires", "is not in the message"),
        ('"date";tr', "is not in the message"),
        ("@status", "is not a component of a request"),
        ("@nothing", "is not a component of a request"),
        ('"date";req', "is of a request that this message does not answer"),
        ('"@query-param";name="absent"', "stands 0 times in the query"),
        ('"@query-param";name="twice"', "stands 2 times in the query"),
        ('"example-dict";key="z"', "has no such member"),
        ('"date";key="a"', "not a structured dictionary"),
        ('"date";bs;sf', "octets and as a structured field at once"),
        ("x-octets", "holds octets beyond ASCII; cover it with bs=True"),
        ('"@signature-params"', "is covered twice"),
        ('"date";future', "a parameter that this component cannot have"),
        ('"@method";sf', "a parameter that this component cannot have"),
    ],
)
def test_a_component_that_cannot_be_read_is_refused(component: str, why: str) -> None:
    with pytest.raises(SigningError, match=why):
        signature_base(REQUEST, [component], {})


def test_a_component_covered_twice_is_refused_whatever_the_order_of_its_parameters() -> None:
    with pytest.raises(SigningError, match="is covered twice"):
        signature_base(REQUEST, ["date", "@method", "Date"], {})
    with pytest.raises(SigningError, match="is covered twice"):
        signature_base(REQUEST, ['"a";sf;key="b"', '"a";key="b";sf'], {})


def test_a_response_has_no_method() -> None:
    with pytest.raises(SigningError, match="add req=True"):
        signature_base(ResponseParts(200), ["@method"], {})


@pytest.mark.parametrize("text", ['"a', '"a" "b"', '"a";', '"a";K'])
def test_what_is_no_component_is_refused(text: str) -> None:
    with pytest.raises(SigningError, match="not a structured item"):
        Component.parse(text)


def test_a_name_that_no_component_can_have_is_refused() -> None:
    with pytest.raises(SigningError, match="cannot stand in a structured field"):
        signature_base(REQUEST, [Component("caf\u00e9")], {})


def test_parts_show_neither_fields_nor_the_target() -> None:
    assert repr(REQUEST) == "<RequestParts POST https://www.Example.com:443, 11 fields>"
    assert repr(ResponseParts(200, [("Set-Cookie", "hush")])) == "<ResponseParts 200, 1 fields>"


@pytest.mark.parametrize("value", ["sig1=1", "sig1", "sig1=(", "sig1=(1)"])
def test_what_is_no_signature_input_is_refused(value: str) -> None:
    with pytest.raises(SigningError):
        signature_base(REQUEST, *read_signature_input(value)["sig1"])


# --- the signer -----------------------------------------------------------------------------------


def sign(signer: MessageSigner, fields: list[tuple[str, str]], digest: str | None = None) -> dict[str, str]:
    changes = signer.sign("POST", "https://a.test", "/b", fields, content_digest=digest, now=CREATED)
    return dict(changes.set)


def test_the_parameters_are_created_key_algorithm_expiry_nonce_and_tag() -> None:
    signer = MessageSigner(
        SECRET, covered=["@method"], key_id="k", algorithm="named", tag="t", lifetime=300, nonce=lambda: "n"
    )

    assert sign(signer, [])["Signature-Input"] == (
        'sig1=("@method");created=1618884473;keyid="k";alg="hmac-sha256";expires=1618884773;nonce="n";tag="t"'
    )


def test_the_signature_of_someone_else_stays_and_the_own_one_is_replaced() -> None:
    """U-B7: exactly one of each label."""
    signer = MessageSigner(SECRET, covered=["@method"])
    other = [("Signature-Input", 'proxy=("@path");created=1'), ("Signature", "proxy=:AAAA:")]

    first = sign(signer, other)
    again = sign(signer, list(first.items()))

    assert first["Signature"].startswith("proxy=:AAAA:, sig1=:")
    assert first["Signature-Input"] == 'proxy=("@path");created=1, sig1=("@method");created=1618884473'
    assert again == first


def test_the_digest_of_the_content_is_set_and_covered() -> None:
    signer = MessageSigner(SECRET, covered=["@method", "content-digest"], digest="sha-256")
    digest = hashlib.sha256(b"hello").hexdigest()

    changes = signer.sign(
        "POST", "https://a.test", "/", [("Content-Digest", "stale")], content_digest=digest, now=CREATED
    )

    assert signer.content_digest == "sha256"
    assert dict(changes.set)["Content-Digest"] == content_digest(b"hello")
    assert "content-digest" in changes.remove
    assert changes.covered == {"@method", "content-digest", "@content"}


def test_covered_names_what_a_component_stands_on() -> None:
    covered = ["@target-uri", "@scheme", '"@query-param";name="a"', "date"]
    signer = MessageSigner(SECRET, covered=covered)

    changes = signer.sign("GET", "https://a.test", "/?a=1", [("Date", "now")], now=CREATED)

    assert changes.covered == {"@authority", "@request-target", "date"}


def test_content_without_a_digest_is_refused() -> None:
    signer = MessageSigner(SECRET, covered=["content-digest"], digest="sha-512")

    with pytest.raises(SigningError, match="sets Content-Digest, and this content has no digest beforehand"):
        sign(signer, [])


def test_a_time_without_a_zone_is_refused() -> None:
    signer = MessageSigner(SECRET, covered=["@method"])

    with pytest.raises(SigningError, match="has no time zone"):
        signer.sign("GET", "https://a.test", "/", [], now=datetime(2021, 4, 20))  # noqa: DTZ001


# --- keys -----------------------------------------------------------------------------------------


def pem_of(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    private = serialization.PrivateFormat.PKCS8
    return bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))


def test_each_key_signs_by_its_algorithm() -> None:
    """W11: what a verifier with the public key accepts."""
    pytest.importorskip("cryptography")
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    curve, wide, edwards = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1()), None
    edwards, big = ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)
    message = b"base"

    p256, p384 = MessageKey.ecdsa_p256_sha256(pem_of(curve)), MessageKey.ecdsa_p384_sha384(pem_of(wide))
    pss, v1_5 = MessageKey.rsa_pss_sha512(pem_of(big)), MessageKey.rsa_v1_5_sha256(pem_of(big))

    curve.public_key().verify(to_asn1(p256.sign(message)), message, ec.ECDSA(hashes.SHA256()))
    wide.public_key().verify(to_asn1(p384.sign(message)), message, ec.ECDSA(hashes.SHA384()))
    edwards.public_key().verify(MessageKey.ed25519(pem_of(edwards)).sign(message), message)
    salted = padding.PSS(mgf=padding.MGF1(hashes.SHA512()), salt_length=64)
    big.public_key().verify(pss.sign(message), message, salted, hashes.SHA512())
    big.public_key().verify(v1_5.sign(message), message, padding.PKCS1v15(), hashes.SHA256())
    assert len(p256.sign(message)) == 64
    assert len(p384.sign(message)) == 96
    with pytest.raises(SigningError, match="not an Ed25519 private key"):
        MessageKey.ed25519(pem_of(curve))
    with pytest.raises(SigningError, match="not a private key on the curve secp384r1"):
        MessageKey.ecdsa_p384_sha384(pem_of(curve))
    with pytest.raises(SigningError, match="not an RSA private key"):
        MessageKey.rsa_pss_sha512(pem_of(curve))


def test_a_key_held_elsewhere_signs_through_a_function() -> None:
    key = MessageKey("hmac-sha256", lambda message: hashlib.sha256(b"kept" + message).digest())

    assert sign(MessageSigner(key, covered=["@method"]), [])["Signature"].startswith("sig1=:")


def test_an_empty_secret_is_refused_and_a_secret_not_shown() -> None:
    with pytest.raises(SigningError, match="the shared secret is empty"):
        MessageKey.hmac_sha256(b"")

    assert "secret" not in repr(SECRET)


# --- Content-Digest -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "algorithm", "value"),
    [
        (b'{"hello": "world"}', "sha-256", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
        (
            b'{"hello": "world"}',
            "sha-512",
            "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        ),
    ],
    ids=["sha-256", "sha-512"],
)
def test_a_content_digest_is_that_of_the_specification(content: bytes, algorithm: Any, value: str) -> None:
    digest = hashlib.new(algorithm.replace("-", ""), content).hexdigest()

    assert content_digest(content, algorithm) == content_digest_of(digest, algorithm) == value


@pytest.mark.parametrize("digest", ["", "zz", "00" * 20])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(SigningError, match="no sha-256 digest; give 64 hexadecimal digits"):
        content_digest_of(digest)
