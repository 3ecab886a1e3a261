"""Message signatures (RFC 9421) through every connector: the base is the same when worked out from what arrived."""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Iterator

import pytest
from tests.contract.odd_responses import IN_A_MAP, as_a_map
from tests.contract.subjects import missing, subjects

from stablehttp import Request, UnsupportedTransportError
from stablehttp.signers import (
    Component,
    MessageKey,
    MessageSigner,
    RequestParts,
    content_digest,
    read_signature_input,
    signature_base,
)
from stablehttp.testing.contract import Bench, Rule, Subject, check

pytest.importorskip("http_sf")

SECRET = b"shared with the verifier"
TARGETS = ("/", "/?", "/a%2Fb//c/./d?id=1&flag&x=a+b%20c&x=2", "/it's(1)!*;v=1,2:3@4?id=%C3%A9%2f~&=&q='y'", "?id=")
LINES = [
    ("X-Repeated", "b"), ("X-Dictionary", "a=1,  b=(2 3);x"), ("x-repeated", "a"), ("X-Spaces", "a  b\t , c"),
    ("Forwarded", "for=a.test"), ("X-Empty", ""), ("Content-Type", "text/plain"),
]  # fmt: skip
COVERED = (
    "@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query", "content-digest",
    "x-repeated", '"x-repeated";bs', '"x-dictionary";key="b"', '"x-dictionary";sf', "x-spaces", "forwarded", "x-empty",
)  # fmt: skip


async def lets_a_verifier_find_the_signature_base(bench: Bench) -> None:
    in_a_map = bench.subject.name in IN_A_MAP
    lines = as_a_map(LINES) if in_a_map else LINES
    refused = 0
    for target in TARGETS:
        named = ['"@query-param";name="id"'] if "id=" in target else []
        signer = MessageSigner(
            MessageKey.hmac_sha256(SECRET),
            covered=[*COVERED, *named],
            key_id="k",
            digest="sha-256",
            structures={"x-dictionary": "dictionary"},
        )
        request = Request("PUT", bench.url(target), headers=lines, body=b"content")

        try:
            await (await bench.driver.send(request, signer=signer)).read()
        except UnsupportedTransportError:
            refused += 1
            continue

        verify(bench)
    assert refused <= (2 if in_a_map else 0)


def verify(bench: Bench) -> None:
    """As a server would: from nothing but what arrived."""
    received = bench.origin.requests[-1]
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in received.fields]
    if received.authority is not None:
        fields.insert(0, ("host", received.authority.decode()))
    message = RequestParts(received.method.decode(), bench.origin.url, received.target.decode("latin-1"), fields)
    values = dict(fields)
    folded = {name.lower(): value for name, value in values.items()}
    [(label, (components, parameters))] = read_signature_input(folded["signature-input"]).items()
    base = signature_base(message, components, parameters, structures={"x-dictionary": "dictionary"})
    signature = b64decode(folded["signature"].removeprefix(f"{label}=:").removesuffix(":"))
    assert hmac.compare_digest(signature, hmac.digest(SECRET, base.encode(), "sha256")), base
    assert folded["content-digest"] == content_digest(received.content)
    assert Component("content-digest") in components


RULE = Rule("a verifier finds the signature base", lets_a_verifier_find_the_signature_base, "U-B4")


def cases() -> Iterator[object]:
    for subject in subjects():
        reason = missing(subject.name, subject.colour)
        yield pytest.param(subject, id=str(subject), marks=[pytest.mark.skip(reason=reason)] if reason else [])


@pytest.mark.parametrize("subject", list(cases()))
async def test_a_verifier_finds_the_signature_base_from_what_arrived(subject: Subject) -> None:
    """U-B4."""
    assert await check(RULE, subject) == "proved"
