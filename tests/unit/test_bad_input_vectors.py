"""Hostile and harmless input, at the earliest point where it can be refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.vectors import vectors

from stablehttp import Request

CASES = vectors("bad-input/cases.json")
MARKS = {
    "{h}": "127.0.0.1:8080",
    "{p}": "8080",
    "{pu}": "8_080",
    "{pf}": "\uff18\uff10\uff18\uff10",
    "{m}": "x-injected",
}


def build(case: dict[str, Any]) -> Request[Any]:
    match case["kind"]:
        case "name" | "value" | "pair_type":
            return Request("GET", "http://a.test/", headers=[(case["name"], case["value"])])
        case "method":
            return Request(case["method"], "http://a.test/")
        case "framing" | "fields":
            return Request("POST", "http://a.test/", headers=case["headers"], body=case.get("body", "").encode())
        case _:
            url = case["url"]
            for mark, text in MARKS.items():
                url = url.replace(mark, text)
            return Request("GET", url)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_bad_input_is_refused_when_the_request_is_built_and_good_input_is_kept(case: dict[str, Any]) -> None:
    """U-I1, U-I2, U-H3, U-I4."""
    if case["expect"] != "accept":
        with pytest.raises((ValueError, TypeError)):
            build(case)
        return

    request = build(case)

    assert request.target == case.get("target", "/")
    assert request.method == case.get("method", request.method)
    if "headers" in case:
        assert [list(line) for line in request.headers] == case["headers"]
