"""Our signatures agree with those of botocore and of the AWS CRT on any request (W11, U-B4).

More of them are tried with `--hypothesis-profile=thorough`.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stablehttp.signers import (
    S3_RULES,
    UNSIGNED_FIELDS,
    Credentials,
    SigningRules,
    SigV4aSigner,
    SigV4QuerySigner,
    SigV4Signer,
    explain_mismatch,
)
from stablehttp.signers._canonical_target import canonical_path, canonical_query

MANY = 2 * settings().max_examples
ORIGIN, HOST = "https://a.test", "a.test"
TWICE = SigningRules(content_field="sent")

# names that one of the three leaves unsigned and another does not
SKIPPED_SOMEWHERE = UNSIGNED_FIELDS | {"sec-websocket-key", "sec-websocket-protocol", "sec-websocket-version"}

methods = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"])
# what all three read alike: percent-encoded as a client should, and a few raw characters that need none
text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
# an encoded slash apart: servers read it as a slash and so do we, botocore and the CRT sign it as it is
segments = text.map(lambda some: quote(some.replace("/", ""), safe="~")) | st.sampled_from(
    [".", "..", "", "a", "~", "-._~"]
)
paths = st.lists(segments, max_size=6).map(lambda parts: "/" + "/".join(parts))
# a parameter of the signature, in whatever case, is one of an earlier signature to us and a mistake to the CRT
parameter_names = text.filter(lambda name: name and not name.lower().startswith("x-amz-"))
parameters = st.tuples(parameter_names, text).map(lambda pair: f"{quote(pair[0], safe='~')}={quote(pair[1], safe='~')}")
queries = st.lists(parameters, max_size=5).map("&".join)
# botocore keeps one of several parameters of a name when it presigns
unrepeated = st.lists(parameters, max_size=5, unique_by=lambda pair: pair.partition("=")[0]).map("&".join)
names = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_", min_size=1, max_size=12).filter(
    lambda name: name.lower() not in SKIPPED_SOMEWHERE | {"host", "date"} and not name.lower().startswith("x-amz-")
)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=30).filter(str.strip)
fields = st.lists(st.tuples(names, values), max_size=8)
times = st.datetimes(datetime(2000, 1, 1), datetime(2038, 1, 1)).map(  # noqa: DTZ001
    lambda when: when.replace(microsecond=0, tzinfo=UTC)
)
tokens = st.none() | st.text("ABCabc012+/=", min_size=1, max_size=40)
contents = st.binary(max_size=40)
requests = st.fixed_dictionaries(
    {"method": methods, "path": paths, "query": queries, "fields": fields, "content": contents}
)


def target_of(request: dict[str, Any]) -> str:
    return f"{request['path']}?{request['query']}" if request["query"] else str(request["path"])


# --- botocore -------------------------------------------------------------------------------------


def sign_by_botocore(kind: str, request: dict[str, Any], token: str | None, now: datetime) -> Any:
    auth, awsrequest = pytest.importorskip("botocore.auth"), pytest.importorskip("botocore.awsrequest")
    credentials = pytest.importorskip("botocore.credentials").Credentials("AKID", "secret", token)
    signed = awsrequest.AWSRequest(request["method"], ORIGIN + target_of(request), data=request["content"])
    for name, value in [("Host", HOST), *request["fields"]]:
        signed.headers.add_header(name, value)
    with patch("botocore.auth.get_current_datetime", lambda: now.replace(tzinfo=None)):
        getattr(auth, kind)(credentials, "s3", "eu-west-1").add_auth(signed)
    return signed


@pytest.mark.parametrize(("kind", "rules"), [("S3SigV4Auth", S3_RULES), ("SigV4Auth", SigningRules())])
@settings(max_examples=MANY, deadline=None)
@given(request_parts=requests, token=tokens, now=times)
def test_the_authorization_field_is_that_of_botocore(
    kind: str, rules: SigningRules, request_parts: dict[str, Any], token: str | None, now: datetime
) -> None:
    theirs = sign_by_botocore(kind, request_parts, token, now)

    changes = SigV4Signer(Credentials("AKID", "secret", token), region="eu-west-1", service="s3", rules=rules).sign(
        request_parts["method"],
        ORIGIN,
        target_of(request_parts),
        [("Host", HOST), *request_parts["fields"]],
        content_digest=hashlib.sha256(request_parts["content"]).hexdigest(),
        now=now,
    )

    assert dict(changes.set)["Authorization"] == theirs.headers["Authorization"]


@settings(max_examples=MANY, deadline=None)
@given(path=paths, query=unrepeated, token=tokens, now=times, expires=st.integers(1, 604_800))
def test_a_presigned_request_has_the_signature_of_botocore(
    path: str, query: str, token: str | None, now: datetime, expires: int
) -> None:
    auth, awsrequest = pytest.importorskip("botocore.auth"), pytest.importorskip("botocore.awsrequest")
    credentials = pytest.importorskip("botocore.credentials").Credentials("AKID", "secret", token)
    target = path + (f"?{query}" if query else "")
    theirs = awsrequest.AWSRequest("GET", ORIGIN + target)
    with patch("botocore.auth.get_current_datetime", lambda: now.replace(tzinfo=None)):
        auth.S3SigV4QueryAuth(credentials, "s3", "eu-west-1", expires=expires).add_auth(theirs)

    signer = SigV4QuerySigner.for_s3(Credentials("AKID", "secret", token), region="eu-west-1", expires=expires)
    changes = signer.sign("GET", ORIGIN, target, [("Host", HOST)], now=now)

    assert theirs.url.rpartition("X-Amz-Signature=")[2] == changes.signature


# --- the AWS CRT ----------------------------------------------------------------------------------


def sign_by_crt(
    request: dict[str, Any], token: str | None, now: datetime, *, expires: int | None = None, **settings_: Any
) -> Any:
    auth, http = pytest.importorskip("awscrt.auth"), pytest.importorskip("awscrt.http")
    provider = auth.AwsCredentialsProvider.new_static("AKID", "secret", token)
    headers = http.HttpHeaders([("Host", HOST), *request["fields"]])
    signed = http.HttpRequest(request["method"], target_of(request), headers)
    config = auth.AwsSigningConfig(
        credentials_provider=provider,
        region="eu-west-1",
        service="s3",
        date=now,
        signed_body_header_type=(
            auth.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256 if expires is None else auth.AwsSignedBodyHeaderType.NONE
        ),
        expiration_in_seconds=expires,
        **{"signed_body_value": hashlib.sha256(request["content"]).hexdigest(), **settings_},
    )
    return auth.aws_sign_request(signed, config).result(10)


ways_of_reading = st.fixed_dictionaries(
    {
        "path_encoding": st.sampled_from(["once", "twice"]),
        "path_segments": st.sampled_from(["as-sent", "normalized"]),
        "session_token": st.sampled_from(["signed", "unsigned"]),
        "content": st.sampled_from(["digest", "unsigned", "signed-chunks", "events"]),
    }
)
CONTENT_WORDS = {
    "unsigned": "UNSIGNED-PAYLOAD",
    "signed-chunks": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "events": "STREAMING-AWS4-HMAC-SHA256-EVENTS",
}


def crt_settings(way: dict[str, Any], token: str | None) -> dict[str, Any]:
    """The same rules in the words of the CRT; without a token there is none to leave out."""
    words = {
        "use_double_uri_encode": way["path_encoding"] == "twice",
        "should_normalize_uri_path": way["path_segments"] == "normalized",
        "omit_session_token": token is not None and way["session_token"] == "unsigned",
    }
    content = CONTENT_WORDS.get(way["content"])
    return words if content is None else {**words, "signed_body_value": content}


@settings(max_examples=MANY, deadline=None)
@given(request_parts=requests, token=tokens, now=times, way=ways_of_reading)
def test_the_authorization_field_is_that_of_the_crt(
    request_parts: dict[str, Any], token: str | None, now: datetime, way: dict[str, Any]
) -> None:
    """Encoded once or twice, normalised or not, the token signed or added later, content signed in each way."""
    signed = sign_by_crt(request_parts, token, now, **crt_settings(way, token))
    theirs = dict(signed.headers)

    rules = SigningRules(**way, content_field="sent")
    changes = SigV4Signer(Credentials("AKID", "secret", token), region="eu-west-1", service="s3", rules=rules).sign(
        request_parts["method"],
        ORIGIN,
        target_of(request_parts),
        [("Host", HOST), *request_parts["fields"]],
        content_digest=hashlib.sha256(request_parts["content"]).hexdigest(),
        now=now,
    )

    ours = dict(changes.set)
    assert ours["Authorization"] == theirs["Authorization"]
    assert {name.lower(): value for name, value in ours.items()} == {
        name.lower(): value for name, value in theirs.items() if name in ours or name.lower().startswith("x-amz-")
    }


@settings(max_examples=MANY, deadline=None)
@given(
    request_parts=requests,
    token=tokens,
    now=times,
    way=ways_of_reading,
    expires=st.integers(1, 604_800),
    query=unrepeated,
)
def test_a_presigned_request_has_the_signature_of_the_crt(
    request_parts: dict[str, Any], token: str | None, now: datetime, way: dict[str, Any], expires: int, query: str
) -> None:
    """With fields that are signed too, and the same choices of reading."""
    auth = pytest.importorskip("awscrt.auth")
    request_parts = {**request_parts, "query": query}
    signed = sign_by_crt(
        request_parts, token, now, expires=expires, **crt_settings(way, token),
        signature_type=auth.AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS,
    )  # fmt: skip

    rules = SigningRules(**way, content_field="omitted")
    signer = SigV4QuerySigner(
        Credentials("AKID", "secret", token), region="eu-west-1", service="s3", expires=expires, rules=rules
    )
    changes = signer.sign(
        request_parts["method"],
        ORIGIN,
        target_of(request_parts),
        [("Host", HOST), *request_parts["fields"]],
        content_digest=hashlib.sha256(request_parts["content"]).hexdigest(),
        now=now,
    )

    assert changes.signature == dict(parse_qsl(signed.path.partition("?")[2]))["X-Amz-Signature"]


@settings(max_examples=MANY, deadline=None)
@given(request_parts=requests, token=tokens, now=times)
def test_the_crt_signs_by_ecdsa_what_we_read(request_parts: dict[str, Any], token: str | None, now: datetime) -> None:
    """SigV4a: its signature, over our string to sign, verified by our key."""
    pytest.importorskip("cryptography")
    auth = pytest.importorskip("awscrt.auth")
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256

    from stablehttp.signers._sigv4a import private_number

    credentials = Credentials("AKID", "secret", token)
    signed = sign_by_crt(request_parts, token, now, algorithm=auth.AwsSigningAlgorithm.V4_ASYMMETRIC)
    signature = bytes.fromhex(dict(signed.headers)["Authorization"].rpartition("Signature=")[2])

    trace = SigV4aSigner(credentials, region_set="eu-west-1", service="s3", rules=TWICE).trace(
        request_parts["method"],
        ORIGIN,
        target_of(request_parts),
        [("Host", HOST), *request_parts["fields"]],
        content_digest=hashlib.sha256(request_parts["content"]).hexdigest(),
        now=now,
    )

    key = ec.derive_private_key(private_number(credentials), ec.SECP256R1()).public_key()
    key.verify(signature, trace.string_to_sign.encode(), ec.ECDSA(SHA256()))


# --- laws of our own ------------------------------------------------------------------------------


@settings(deadline=None)
@given(path=st.text(st.characters(codec="utf-8")).map(lambda some: f"/{some}"))
def test_a_canonical_path_is_ascii_and_the_same_when_read_again(path: str) -> None:
    form = canonical_path(path, "once", "as-sent")

    assert form.isascii()
    assert canonical_path(form, "once", "as-sent") == form


@settings(deadline=None)
@given(query=st.text(st.characters(codec="utf-8")))
def test_a_canonical_query_is_ascii_and_the_same_when_read_again(query: str) -> None:
    form = canonical_query(query)

    assert form.isascii()
    assert canonical_query(form) == form


@settings(deadline=None)
@given(request_parts=requests, other=requests, now=times)
def test_two_readings_are_explained_whenever_they_differ(
    request_parts: dict[str, Any], other: dict[str, Any], now: datetime
) -> None:
    signer = SigV4Signer.for_s3(Credentials("AKID", "secret", "token"), region="eu-west-1")
    ours, theirs = (
        signer.trace(
            some["method"],
            ORIGIN,
            target_of(some),
            some["fields"],
            content_digest=hashlib.sha256(some["content"]).hexdigest(),
            now=now,
        )
        for some in (request_parts, other)
    )

    mismatch = explain_mismatch(ours, theirs.canonical_request)

    assert bool(mismatch.differences) == (ours != theirs)
    assert len(str(mismatch)) < 20_000
