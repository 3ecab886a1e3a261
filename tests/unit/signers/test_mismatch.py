"""Explaining why a service does not agree (issue 9, item 3)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from html import escape

import pytest

from stablehttp.signers import S3_RULES, Credentials, SigningRules, SigningTrace, SigV4Signer, explain_mismatch

TOKEN = "IQoJb3JpZ2luX2VjHUSH"
CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", TOKEN)
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
FIELDS = [("Host", "a.test"), ("Content-Type", "text/plain"), ("X-A", "1"), ("X-A", "2")]
DIGEST = hashlib.sha256(b"content").hexdigest()


def trace(
    method: str = "PUT",
    target: str = "/a%20b//c?x=1&y",
    fields: list[tuple[str, str]] = FIELDS,
    digest: str = DIGEST,
    *,
    rules: SigningRules = S3_RULES,
    region: str = "us-east-1",
    now: datetime = NOW,
) -> SigningTrace:
    signer = SigV4Signer(CREDENTIALS, region=region, service="s3", rules=rules)
    return signer.trace(method, "https://a.test", target, fields, content_digest=digest, now=now)


OURS = trace()


def in_xml(theirs: SigningTrace) -> str:
    """As S3 answers."""
    canonical, to_sign = escape(theirs.canonical_request, quote=False), escape(theirs.string_to_sign, quote=False)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SignatureDoesNotMatch</Code>'
        f"<StringToSign>{to_sign}</StringToSign><SignatureProvided>0</SignatureProvided>"
        f"<CanonicalRequest>{canonical}</CanonicalRequest><HostId>x</HostId></Error>"
    )


def in_json(theirs: SigningTrace) -> str:
    """As API Gateway and others answer."""
    message = (
        "The request signature we calculated does not match the signature you provided.\n\n"
        f"The Canonical String for this request should have been\n'{theirs.canonical_request}'\n\n"
        f"The String-to-Sign should have been\n'{theirs.string_to_sign}'\n"
    )
    return json.dumps({"message": message})


@pytest.mark.parametrize(
    ("theirs", "part", "cause"),
    [
        (trace(method="GET"), "method", "the method changed after signing"),
        (trace(target="/other?x=1&y"), "path", "another path arrived than was signed"),
        (trace(target="/a%20b/c?x=1&y"), "path", "dots or doubled slashes were resolved"),
        (trace(rules=replace(S3_RULES, path_encoding="twice")), "path", "the service encodes the path once more"),
        (trace(target="/a%2520b//c?x=1&y"), "path", "once more"),
        (trace(target="/a%20b//c?x=1"), "query", "only ours: y; only theirs: none"),
        (trace(target="/a%20b//c?x=1&y&z=3"), "query", "only ours: none; only theirs: z"),
        (trace(target="/a%20b//c?x=%2531&y"), "query", "the same query in another spelling"),
        (trace(fields=FIELDS[1:]), None, "the keys differ"),
        (trace(fields=[("Host", "proxy.test"), *FIELDS[1:]]), "field 'host'", "set the Host field"),
        (trace(fields=FIELDS[:1] + FIELDS[2:]), "field 'content-type'", "it was signed and did not arrive"),
        (trace(fields=[*FIELDS, ("X-B", "")]), "field 'x-b'", "it was signed and did not arrive"),
        (trace(fields=[*FIELDS, ("X-B", "1")]), "field 'x-b'", "we did not sign it"),
        (trace(fields=[*FIELDS[:2], FIELDS[3], FIELDS[2]]), "field 'x-a'", "arrived in another order"),
        (trace(fields=FIELDS[:3]), "field 'x-a'", "only some of the lines of this name arrived"),
        (trace(fields=[*FIELDS[:2], ("X-A", "1, 2")]), "field 'x-a'", "only whitespace differs"),
        (
            trace(fields=[FIELDS[0], ("Content-Type", "text/html"), *FIELDS[2:]]),
            "field 'content-type'",
            "the value changed after signing",
        ),
        (trace(digest=hashlib.sha256(b"").hexdigest()), "content", "no content arrived, though some was signed"),
        (trace(digest=hashlib.sha256(b"other").hexdigest()), "content", "other content arrived"),
        (trace(rules=replace(S3_RULES, content="unsigned")), "content", "do not agree on how the content is signed"),
        (trace(region="eu-west-1"), "scope", "make the signer for the region that the service names"),
        (trace(now=NOW.replace(minute=37)), "date", "the service took the time from another field"),
    ],
)
@pytest.mark.parametrize("quote", [in_xml, in_json], ids=["xml", "json"])
def test_the_part_that_differs_is_named_with_its_likely_cause(
    theirs: SigningTrace, part: str | None, cause: str, quote: object
) -> None:
    assert callable(quote)

    mismatch = explain_mismatch(OURS, quote(theirs))

    if part is not None:
        assert part in [difference.part for difference in mismatch.differences]
    assert cause in str(mismatch)


def test_only_what_differs_is_named() -> None:
    theirs = trace(fields=[FIELDS[0], ("Content-Type", "text/html"), *FIELDS[2:]])

    mismatch = explain_mismatch(OURS, theirs.canonical_request)

    assert [difference.part for difference in mismatch.differences] == ["field 'content-type'"]
    assert "'text/plain'" in str(mismatch)
    assert "'text/html'" in str(mismatch)


def test_a_string_to_sign_of_another_kind_is_said_to_be_one() -> None:
    theirs = f"{OURS.string_to_sign}\nmore"

    assert "this is of another kind of signature" in str(explain_mismatch(OURS, theirs))


def test_a_scope_of_another_shape_is_said_to_be_one() -> None:
    theirs = OURS.string_to_sign.replace("us-east-1/", "")

    assert "a credential of another shape" in str(explain_mismatch(OURS, theirs))


def test_an_opted_in_field_that_changed_is_pointed_out() -> None:
    rules = replace(S3_RULES, also_sign=frozenset({"user-agent"}))
    ours, theirs = (trace(fields=[*FIELDS, ("User-Agent", name)], rules=rules) for name in ("mine", "theirs"))

    assert "take it out of also_sign" in str(explain_mismatch(ours, theirs.canonical_request))


def test_other_names_over_the_same_fields_are_pointed_out() -> None:
    theirs = OURS.canonical_request.replace("content-type;host", "host;content-type")

    assert [one.part for one in explain_mismatch(OURS, theirs).differences] == ["signed names"]


def test_octets_that_are_no_text_are_compared_as_they_are() -> None:
    ours, theirs = (trace(fields=[*FIELDS, ("X-B", value)]) for value in ("caf\u00e9", "cafe"))

    assert [one.part for one in explain_mismatch(ours, theirs.canonical_request).differences] == ["field 'x-b'"]


def test_the_service_that_encodes_once_and_keeps_dots_is_recognised() -> None:
    ours = trace(rules=SigningRules(content_field="sent"))

    encoded = explain_mismatch(trace(target="/a%20b", rules=SigningRules()), trace(target="/a%20b").canonical_request)
    kept = explain_mismatch(trace(target="/a", rules=SigningRules()), trace(target="//a/./").canonical_request)

    assert "sign by S3_RULES" in str(encoded)
    assert "another path" in str(kept)
    assert "path" in str(explain_mismatch(ours, OURS.canonical_request))
    slashes = explain_mismatch(trace(target="//a", rules=SigningRules()), trace(target="//a").canonical_request)
    assert "path_segments='as-sent'" in str(slashes)


def test_a_plus_read_as_a_space_is_recognised() -> None:
    ours, theirs = trace(target="/?q=a+b"), trace(target="/?q=a%2Bb")

    assert "%20 and a plus as %2B" in str(explain_mismatch(ours, theirs.canonical_request))


def test_the_same_octets_shown_as_other_text_are_no_difference() -> None:
    ours = trace(fields=[*FIELDS, ("X-B", "caf\u00c3\u00a9")])

    theirs = ours.canonical_request.replace("\u00c3\u00a9", "\u00e9")

    assert "both sides read the same request" in str(explain_mismatch(ours, theirs.encode()))


def test_two_equal_readings_leave_the_key() -> None:
    for theirs in (in_xml(OURS), OURS.string_to_sign):
        assert "secret access key is not the one" in str(explain_mismatch(OURS, theirs))

    assert "the string to sign or the key differs" in str(explain_mismatch(OURS, OURS.canonical_request))


def test_another_hash_without_the_canonical_request_says_so() -> None:
    theirs = trace(method="GET").string_to_sign

    assert "does not quote it" in str(explain_mismatch(OURS, theirs))


def test_another_algorithm_is_named() -> None:
    theirs = OURS.string_to_sign.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")

    assert "the service expects another signer" in str(explain_mismatch(OURS, theirs))


@pytest.mark.parametrize(
    "body",
    ["", "<Error><Code>SignatureDoesNotMatch</Code></Error>", '{"message": "no"}', "{", '{"a": 1}', "Forbidden"],
)
def test_a_service_that_quotes_nothing_leaves_advice(body: str) -> None:
    mismatch = explain_mismatch(OURS, body)

    assert mismatch.differences == ()
    assert "quotes neither" in mismatch.summary


def test_what_is_no_canonical_request_is_said_to_be_none() -> None:
    theirs = "PUT\n/\n\nhost:a.test\nno colon here\n\nhost\nabc"

    assert "no canonical request" in str(explain_mismatch(OURS, theirs))


def test_secrets_are_masked() -> None:
    fields = [*FIELDS, ("Cookie", "session=hush"), ("X-Private", "hush")]
    ours = trace(target="/?X-Amz-Credential=hush&token=hush", fields=fields)
    theirs = (
        trace(target="/?X-Amz-Credential=HUSH&token=HUSH", fields=fields)
        .canonical_request.replace("hush", "Hush!")
        .replace(TOKEN, "HUSH")
    )

    report = str(explain_mismatch(ours, theirs, secret_fields=["X-Private"]))

    assert "hush" not in report.lower()
    assert "field 'cookie'\n  ours:   hidden, 12 characters\n  theirs: hidden, 13 characters" in report
    assert "field 'x-amz-security-token'" in report
    assert "field 'x-private'" in report


def test_a_trace_shows_nothing_of_what_was_signed() -> None:
    assert repr(OURS) == f"<SigningTrace of {len(OURS.canonical_request.splitlines())} lines>"
