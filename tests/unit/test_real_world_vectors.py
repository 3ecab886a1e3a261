"""Header lists and requests recorded from the real world: all are kept as they are."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from tests.vectors import vectors

from stablehttp import AmbiguousFieldError, Fields, InvalidFieldError, Request
from stablehttp.adapting import adopt, receive_line

LISTS = vectors("header-lists/real-world.json")
HAR = vectors("har-requests/httpsnippet.json")
WPT = vectors("wpt-fetch-headers/cases.json")


@pytest.mark.parametrize("case", LISTS, ids=lambda case: case["id"])
def test_a_recorded_header_list_keeps_order_repeats_and_octets(case: dict[str, Any]) -> None:
    """U-K3."""
    lines = [(name, value) for name, value in case["headers"] if not name.startswith(":")]
    octets = [(name, value.encode("latin-1")) for name, value in lines]

    built = Fields(octets)
    received = adopt([receive_line(name.encode("ascii"), value) for name, value in octets])

    for fields in (built, received, Fields(received), built.copy(), pickle.loads(pickle.dumps(received))):
        assert list(fields) == lines
        assert [(name, value.encode("latin-1")) for name, value in fields] == octets


@pytest.mark.parametrize("case", HAR, ids=lambda case: case["id"])
def test_a_request_in_har_form_can_be_built(case: dict[str, Any]) -> None:
    har = case["har"]
    lines = [(line["name"], line["value"]) for line in har.get("headers", ())]

    request = Request(har["method"], har["url"], headers=lines, body=har.get("postData", {}).get("text", "").encode())

    assert str(request.uri) == har["url"]
    assert list(request.headers) == lines


@pytest.mark.parametrize("case", WPT["value_bytes"], ids=lambda case: f"octet {case['code']:#04x}")
def test_octets_that_fetch_forbids_in_a_value_are_forbidden_here(case: dict[str, Any]) -> None:
    octet = case["code"]
    value = b"a" + bytes([octet]) + b"b"

    if case["allowed"] and (octet == 9 or 0x20 <= octet <= 0x7E or octet >= 0x80):
        assert Fields([("X", value)]).values("X")[0].encode("latin-1") == value
    else:
        with pytest.raises(ValueError, match="no field value may hold"):
            Fields([("X", value)])


@pytest.mark.parametrize("case", WPT["combining"], ids=lambda case: str(case["pairs"]))
def test_repeated_fields_join_as_in_fetch_but_for_set_cookie_which_is_a_list(case: dict[str, Any]) -> None:
    """U-K2."""
    fields = Fields([tuple(pair) for pair in case["pairs"]])

    assert list(fields.values(case["name"])) == case["list"]
    if case["name"].lower() == "set-cookie":
        with pytest.raises(AmbiguousFieldError):
            fields.get(case["name"])
    else:
        assert fields[case["name"]] == case["joined"]


@pytest.mark.parametrize("name", WPT["invalid_names"])
def test_names_that_fetch_refuses_are_refused(name: str) -> None:
    with pytest.raises(InvalidFieldError):
        Fields([(name, "1")])


@pytest.mark.parametrize("value", WPT["invalid_values"])
def test_values_that_fetch_refuses_are_refused(value: str) -> None:
    with pytest.raises(InvalidFieldError):
        Fields([("X", value)])
