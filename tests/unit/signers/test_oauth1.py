"""OAuth 1 on our strings: the base string and the signature of RFC 5849, worked out by oauthlib (U-B4)."""

from __future__ import annotations

from typing import Any

import pytest

from stablehttp import FormBody, Request

oauth1: Any = pytest.importorskip("oauthlib.oauth1")
signature: Any = pytest.importorskip("oauthlib.oauth1.rfc5849.signature")


def base_string(request: Request[Any], authorization: str, form: str = "") -> str:
    """From nothing but the method, the URI and the content that go on the wire."""
    parameters = signature.collect_parameters(
        uri_query=request.target.partition("?")[2], body=form, headers={"Authorization": authorization}
    )
    where = request.uri.origin + request.target.partition("?")[0]
    normalized = signature.normalize_parameters(parameters)
    return str(signature.signature_base_string(request.method, signature.base_string_uri(where), normalized))


def test_the_base_string_is_that_of_the_specification() -> None:
    """U-B4: RFC 5849 §3.4.1.1."""
    request = Request(
        "POST",
        "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
        headers=[("Content-Type", "application/x-www-form-urlencoded")],
        body=FormBody([("c2", ""), ("a3", "2 q")]),
    )
    authorization = (
        'OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7", '
        'oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a", '
        'oauth_signature="djosJKDKJSD8743243%2Fjdk33klY%3D"'
    )

    assert base_string(request, authorization, b"".join(request.body).decode()) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D"
        "%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1"
        "%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


def test_the_signature_is_that_of_the_specification() -> None:
    """U-B4: RFC 5849 §1.2, of a request for a photograph."""
    request = Request("GET", "http://photos.example.net/photos?file=vacation.jpg&size=original")
    authorization = (
        'OAuth oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk", '
        'oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131202", oauth_nonce="chapoH"'
    )

    client = oauth1.Client("", client_secret="kd94hf93k423kf44", resource_owner_secret="pfkkdhi9sl3r4s00")
    signed = signature.sign_hmac_sha1_with_client(base_string(request, authorization), client)

    assert signed == "MdpQcU8iPSUjWoN/UDMsK2sui9I="
