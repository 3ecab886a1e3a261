"""SigV4 beyond the vectors: what is signed, what is replaced, what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from stablehttp._errors import SigningError
from stablehttp.signers import (
    S3_RULES,
    UNSIGNED_FIELDS,
    Credentials,
    Signer,
    SigningChanges,
    SigningRules,
    SigV4QuerySigner,
    SigV4Signer,
)
from stablehttp.signers._signing_rules import ContentSigning

CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMPORARY = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEXAMPLE==")
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
ORIGIN = "https://bucket.s3.amazonaws.com"
DIGEST = hashlib.sha256(b"content").hexdigest()
FIELDS = [("Host", "bucket.s3.amazonaws.com"), ("Content-Type", "text/plain"), ("X-Amz-Meta-A", "b")]


def s3(credentials: Credentials = CREDENTIALS, rules: SigningRules = S3_RULES) -> SigV4Signer:
    return SigV4Signer.for_s3(credentials, region="us-east-1", rules=rules)


def sign(
    signer: Signer, fields: list[tuple[str, str]] = FIELDS, target: str = "/key", now: datetime = NOW
) -> SigningChanges:
    return signer.sign("PUT", ORIGIN, target, iter(fields), content_digest=DIGEST, now=now)


def applied(fields: list[tuple[str, str]], changes: SigningChanges) -> list[tuple[str, str]]:
    return [line for line in fields if line[0].lower() not in changes.remove] + list(changes.set)


def canonical(signer: SigV4Signer, fields: list[tuple[str, str]], target: str = "/key") -> list[str]:
    trace = signer.trace("PUT", ORIGIN, target, fields, content_digest=DIGEST, now=NOW)
    return trace.canonical_request.split("\n")


# --- which fields are signed ----------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(UNSIGNED_FIELDS))
def test_a_field_that_may_change_on_its_way_is_not_signed(name: str) -> None:
    """U-B5."""
    fields = [*FIELDS, (name.title(), "x")]

    changes = sign(s3(), fields)

    assert name not in changes.covered
    assert changes == sign(s3(), FIELDS)


@pytest.mark.parametrize(
    "name",
    [
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect", "user-agent"),
        *("proxy-authorization", "proxy-authenticate", "x-amzn-trace-id", "accept-encoding", "authorization"),
    ],
)
def test_the_public_constant_names_the_hop_mutable_fields(name: str) -> None:
    """U-B5."""
    assert name in UNSIGNED_FIELDS


@pytest.mark.parametrize("name", sorted(UNSIGNED_FIELDS - {"authorization"}))
def test_such_a_field_is_signed_when_it_is_asked_for_by_name(name: str) -> None:
    """U-B5: an explicit opt-in."""
    signer = s3(rules=replace(S3_RULES, also_sign=frozenset({name.upper()})))

    changes = sign(signer, [*FIELDS, (name.title(), "x")])

    assert name in changes.covered


def test_authorization_cannot_be_asked_for() -> None:
    """U-B5: it holds the signature."""
    with pytest.raises(SigningError, match="also_sign names 'authorization'"):
        SigningRules(also_sign=frozenset({"Authorization"}))


def test_more_fields_can_be_left_out_but_not_the_host() -> None:
    changes = sign(s3(rules=replace(S3_RULES, never_sign=frozenset({"Content-Type"}))))

    assert "content-type" not in changes.covered
    with pytest.raises(SigningError, match="never_sign names 'host'"):
        SigningRules(never_sign=frozenset({"host"}))


def test_the_host_is_taken_from_the_origin_where_there_is_no_line_for_it() -> None:
    for origin, host in [
        ("https://a.test", "a.test"),
        ("https://a.test:443", "a.test"),
        ("http://a.test:443", "a.test:443"),
        ("http://a.test:80", "a.test"),
        ("https://user:secret@a.test:8443", "a.test:8443"),
        ("https://[::1]:8443", "[::1]:8443"),
    ]:
        trace = s3().trace("GET", origin, "/", [], content_digest=DIGEST, now=NOW)
        assert f"\nhost:{host}\n" in trace.canonical_request


def test_covered_names_the_fields_and_what_stands_on_the_request_line() -> None:
    changes = sign(s3())

    assert changes.covered == {
        *("host", "content-type", "x-amz-meta-a", "x-amz-date", "x-amz-content-sha256"),
        *("@method", "@authority", "@request-target", "@content"),
    }


def test_the_content_is_not_covered_where_it_is_not_signed() -> None:
    changes = sign(s3(rules=replace(S3_RULES, content="unsigned")))

    assert "@content" not in changes.covered


# --- signing again --------------------------------------------------------------------------------


def test_signing_again_leaves_exactly_one_fresh_line_of_each() -> None:
    """U-B7."""
    first = applied(FIELDS, sign(s3(TEMPORARY)))
    later = NOW + timedelta(minutes=1)

    second = applied(first, sign(s3(TEMPORARY), first, now=later))

    names = [name.lower() for name, _ in second]
    for name in ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"):
        assert names.count(name) == 1
    assert dict(second)["X-Amz-Date"] == "20150830T123700Z"
    assert second == applied(FIELDS, sign(s3(TEMPORARY), FIELDS, now=later))


def test_stale_lines_in_any_spelling_and_number_are_replaced() -> None:
    """U-B7."""
    stale = [("AUTHORIZATION", "old"), ("x-amz-date", "1"), ("X-AMZ-DATE", "2"), ("x-amz-security-token", "old")]

    fields = applied([*FIELDS, *stale], sign(s3(), [*FIELDS, *stale]))

    assert fields == applied(FIELDS, sign(s3()))


def test_presigning_again_leaves_one_signature_in_the_query_and_none_in_the_fields() -> None:
    """U-B7."""
    signer = SigV4QuerySigner.for_s3(TEMPORARY, region="us-east-1", expires=60)
    fields = applied(FIELDS, sign(s3(TEMPORARY)))
    first = sign(signer, fields, "/key?a=%7e&X-Amz-Meta=kept")

    second = sign(signer, applied(fields, first), first.target or "", now=NOW + timedelta(minutes=1))

    target = second.target or ""
    assert target.startswith("/key?a=%7e&X-Amz-Meta=kept&X-Amz-Algorithm=")
    for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Security-Token", "Signature"):
        assert target.count(f"X-Amz-{name}=") == 1
    assert "X-Amz-Date=20150830T123700Z" in target
    assert not {"authorization", "x-amz-date"} & {name.lower() for name, _ in applied(fields, second)}


def test_signing_changes_nothing_it_was_given_and_gives_the_same_each_time() -> None:
    """U-B7: a function of its arguments."""
    fields = list(FIELDS)
    signer = s3()

    assert sign(signer, fields) == sign(signer, fields)
    assert fields == FIELDS


def test_fields_may_come_from_an_iterator_that_gives_them_once() -> None:
    """W11."""

    def lines() -> Iterator[tuple[str, str]]:
        yield from FIELDS

    changes = s3().sign("PUT", ORIGIN, "/key", lines(), content_digest=DIGEST, now=NOW)

    assert changes == sign(s3())


# --- session tokens -------------------------------------------------------------------------------


def test_a_session_token_is_signed_or_added_afterwards() -> None:
    before = sign(s3(TEMPORARY))
    after = sign(s3(TEMPORARY, replace(S3_RULES, session_token="unsigned")))

    assert "x-amz-security-token" in before.covered
    assert "x-amz-security-token" not in after.covered
    assert (
        dict(before.set)["X-Amz-Security-Token"] == dict(after.set)["X-Amz-Security-Token"] == TEMPORARY.session_token
    )
    assert after.signature == sign(s3()).signature


def test_a_presigned_session_token_is_signed_or_comes_after_the_signature() -> None:
    before, after = (
        SigV4QuerySigner(
            TEMPORARY, region="us-east-1", service="iot", expires=60, rules=SigningRules(session_token=when)
        )
        for when in ("signed", "unsigned")
    )

    signed, unsigned = sign(before).target or "", sign(after).target or ""

    assert "&X-Amz-Security-Token=IQoJb3JpZ2luX2VjEXAMPLE%3D%3D&X-Amz-Signature=" in signed
    assert unsigned.endswith("&X-Amz-Security-Token=IQoJb3JpZ2luX2VjEXAMPLE%3D%3D")


def test_the_field_of_the_token_can_have_another_name() -> None:
    changes = sign(s3(TEMPORARY, replace(S3_RULES, token_field="X-Amz-S3session-Token")))

    assert dict(changes.set)["X-Amz-S3session-Token"] == TEMPORARY.session_token
    assert "x-amz-security-token" not in changes.covered


def test_other_credentials_make_the_same_signer_for_someone_else() -> None:
    other = Credentials("AKIDOTHER", "other")

    changes = sign(s3().with_credentials(other))

    assert changes == sign(s3(other))
    presigner = SigV4QuerySigner.for_s3(CREDENTIALS, region="us-east-1", expires=60)
    assert sign(presigner.with_credentials(other)) == sign(
        SigV4QuerySigner.for_s3(other, region="us-east-1", expires=60)
    )


# --- content --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "announced"),
    [
        ("digest", DIGEST),
        ("unsigned", "UNSIGNED-PAYLOAD"),
        ("signed-chunks", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("signed-chunks-and-trailer", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        ("unsigned-chunks-and-trailer", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("events", "STREAMING-AWS4-HMAC-SHA256-EVENTS"),
    ],
)
def test_the_content_field_says_how_the_content_is_signed(content: ContentSigning, announced: str) -> None:
    signer = s3(rules=replace(S3_RULES, content=content))

    assert dict(sign(signer).set)["X-Amz-Content-Sha256"] == announced
    assert canonical(signer, FIELDS)[-1] == announced
    assert signer.content_digest == ("sha256" if content == "digest" else None)


def test_content_as_the_field_says_keeps_that_field() -> None:
    signer = s3(rules=replace(S3_RULES, content="as-field"))
    fields = [*FIELDS, ("X-Amz-Content-Sha256", DIGEST)]

    changes = sign(signer, fields)

    assert changes.signature == sign(s3()).signature
    assert "x-amz-content-sha256" in changes.covered
    assert "x-amz-content-sha256" not in changes.remove
    assert [name for name, _ in changes.set] == ["X-Amz-Date", "Authorization"]


def test_content_as_the_field_says_is_unsigned_where_there_is_no_such_field() -> None:
    """U-B7: and signed again, it still is."""
    signer = s3(rules=replace(S3_RULES, content="as-field"))

    first = sign(signer)

    assert dict(first.set)["X-Amz-Content-Sha256"] == canonical(signer, FIELDS)[-1] == "UNSIGNED-PAYLOAD"
    again = applied(applied(FIELDS, first), sign(signer, applied(FIELDS, first)))
    assert sorted(again) == sorted(applied(FIELDS, first))


def test_content_without_a_digest_is_refused_with_a_way_out() -> None:
    with pytest.raises(SigningError, match=r"SigV4 signs the digest .* has none beforehand; .* content='unsigned'"):
        s3().sign("PUT", ORIGIN, "/key", FIELDS, content_digest=None, now=NOW)


@pytest.mark.parametrize("digest", ["", "abc", DIGEST.upper(), DIGEST + "00", "g" * 64])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(SigningError, match="content_digest is no SHA-256"):
        s3().sign("PUT", ORIGIN, "/key", FIELDS, content_digest=digest, now=NOW)


# --- time, scope and refusals ---------------------------------------------------------------------


def test_the_time_may_be_in_any_zone() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-7)))

    assert sign(s3(), now=elsewhere) == sign(s3())


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(SigningError, match="has no time zone"):
        sign(s3(), now=NOW.replace(tzinfo=None))


def test_a_new_day_has_a_new_key() -> None:
    signer = s3()
    last = sign(signer, now=datetime(2015, 8, 30, 23, 59, 59, tzinfo=UTC))

    first = sign(signer, now=datetime(2015, 8, 31, tzinfo=UTC))

    assert "/20150830/" in dict(last.set)["Authorization"]
    assert "/20150831/" in dict(first.set)["Authorization"]
    assert sign(signer) == sign(s3())


@pytest.mark.parametrize("target", ["*", "a.test:443", "key"])
def test_a_target_without_a_path_is_refused(target: str) -> None:
    with pytest.raises(SigningError, match="without a path"):
        sign(s3(), target=target)


def test_a_line_feed_in_a_field_is_refused_by_name_and_the_value_not_shown() -> None:
    with pytest.raises(SigningError, match="field 'x-a' holds a line feed") as caught:
        sign(s3(), [*FIELDS, ("X-A", "hush\nx-b:c")])

    assert "hush" not in str(caught.value)


def test_a_character_that_is_no_octet_is_refused() -> None:
    with pytest.raises(SigningError, match="holds a character that is no octet"):
        sign(s3(), [*FIELDS, ("X-A", "\u20ac")])


def test_octets_beyond_ascii_are_signed_as_they_are_sent() -> None:
    signer = s3()
    fields = [*FIELDS, ("X-A", "caf\u00c3\u00a9")]

    trace = signer.trace("PUT", ORIGIN, "/key", fields, content_digest=DIGEST, now=NOW)

    digest = hashlib.sha256(trace.canonical_request.encode("latin-1")).hexdigest()
    assert trace.string_to_sign.endswith(digest)


@pytest.mark.parametrize("region", ["", "us east", "a/b", "a,b", "a\n", "\u00e9"])
def test_a_region_that_would_break_the_scope_is_refused(region: str) -> None:
    with pytest.raises(SigningError, match="cannot stand in a credential scope"):
        SigV4Signer(CREDENTIALS, region=region, service="s3")


@pytest.mark.parametrize("expires", [0, -1, 604_801])
def test_a_presigned_request_expires_within_a_week(expires: int) -> None:
    with pytest.raises(SigningError, match="choose 1 to 604800"):
        SigV4QuerySigner(CREDENTIALS, region="us-east-1", service="s3", expires=expires)


def test_a_presigned_url_is_the_origin_and_the_new_target() -> None:
    signer = SigV4QuerySigner.for_s3(CREDENTIALS, region="us-east-1", expires=60)

    url = signer.presign("GET", ORIGIN, "/a%20b", now=NOW)

    assert url == ORIGIN + str(signer.sign("GET", ORIGIN, "/a%20b", [], now=NOW).target)
    assert "X-Amz-SignedHeaders=host&" in url


def test_a_url_that_would_need_a_field_is_refused() -> None:
    signer = SigV4QuerySigner.for_s3(CREDENTIALS, region="us-east-1", expires=60, rules=S3_RULES)

    with pytest.raises(SigningError, match="which no URL can carry"):
        signer.presign("GET", ORIGIN, "/", content_digest=DIGEST, now=NOW)


# --- tampering ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "target", "fields", "digest"),
    [
        ("GET", "/key", FIELDS, DIGEST),
        ("PUT", "/kez", FIELDS, DIGEST),
        ("PUT", "/key?a", FIELDS, DIGEST),
        ("PUT", "/key", [*FIELDS, ("X-Amz-Acl", "public-read")], DIGEST),
        ("PUT", "/key", FIELDS[:2], DIGEST),
        ("PUT", "/key", [*FIELDS, ("X-Amz-Meta-A", "c")], DIGEST),
        ("PUT", "/key", [("Host", "other.test"), *FIELDS[1:]], DIGEST),
        ("PUT", "/key", FIELDS, hashlib.sha256(b"other").hexdigest()),
    ],
    ids=["method", "path", "query", "field added", "field dropped", "line added", "host", "content"],
)
def test_any_tampering_changes_the_signature(
    method: str, target: str, fields: list[tuple[str, str]], digest: str
) -> None:
    signer = s3()

    tampered = signer.sign(method, ORIGIN, target, fields, content_digest=digest, now=NOW)

    assert tampered.signature != sign(signer).signature
