"""Hostile and harmless input through every connector: refused before the first octet, or as it was given.

One connection carries all that is harmless; what the core refuses never comes near it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, Literal

import pytest
from tests.contract.subjects import missing, subjects
from tests.unit.test_bad_input_vectors import build
from tests.vectors import vectors

from stablehttp import (
    Capability,
    HttpVersion,
    InvalidMessageError,
    Request,
    StableHTTPError,
    UnsupportedTransportError,
)
from stablehttp.testing import Answer
from stablehttp.testing.contract import Bench, Subject

Verdict = Literal["refused", "whole", "altered"]

CASES: Final[list[dict[str, Any]]] = vectors("bad-input/cases.json")
OCTETS: Final[list[dict[str, Any]]] = vectors("wpt-fetch-headers/cases.json")["value_bytes"]


REFUSED: Final = {
    # what is harmless, and a connector cannot carry; it says so before anything is sent
    ("crt", HttpVersion.HTTP_2): 1,  # a line of 8 KiB, see `Limits.field_line`
    ("pyqwest", HttpVersion.HTTP_1_1): 17,  # lines of one name apart from each other, and encoded dot segments
    ("pyqwest", HttpVersion.HTTP_2): 17,
}


def subjects_to_check() -> Iterator[object]:
    for subject in subjects():
        reason = missing(subject.name, subject.colour)
        marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
        yield pytest.param(subject, id=str(subject), marks=marks)


def make(case: dict[str, Any], authority: str, scheme: str) -> Request[Any]:
    """The request of a case, to this origin; in URLs it is told by `{h}`."""
    if case["kind"] == "url":
        case = case | {"url": case["url"].replace("http:", f"{scheme}:").replace("{h}", authority)}
        return build(case)
    request = build(case)
    request.uri = f"{scheme}://{authority}/"  # the request is whole already; only now it leads somewhere
    return request


async def verdict(bench: Bench, request: Request[Any]) -> tuple[Verdict, str]:
    """What becomes of a request that the core made: it arrives whole, or is refused before an octet leaves."""
    before, count = bench.octets, bench.origin.count
    try:
        async with asyncio.timeout(10):
            await (await bench.driver.send(request)).read()
    except StableHTTPError as error:
        early = isinstance(error, UnsupportedTransportError | InvalidMessageError) and bench.octets == before
        return ("refused" if early else "altered"), f"{type(error).__name__}: {error}"
    except TimeoutError:
        return "altered", "it hangs"
    if bench.origin.count != count + 1:
        return "altered", f"{bench.origin.count - count} requests arrived"
    found = bench.expected(bench.driver.last, request.body.content).differences(bench.origin.requests[-1])
    return ("altered", "; ".join(found)) if found else ("whole", "")


async def judge(bench: Bench, case: dict[str, Any]) -> tuple[Verdict, str]:
    try:
        request = make(case, bench.origin.url.partition("://")[2], bench.scheme)
    except (ValueError, TypeError) as error:
        return "refused", str(error)
    return await verdict(bench, request)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("subject", list(subjects_to_check()))
async def test_what_is_hostile_never_leaves_and_what_is_harmless_arrives_as_given(subject: Subject) -> None:
    """U-I1, U-I2, U-I4, U-D8, U-K3: all cases of the shared vectors, octet for octet."""
    wrong: list[str] = []
    unable: list[str] = []
    counts: Counter[str] = Counter()
    async with Bench(subject) as bench:
        bench.origin.answer(lambda received: Answer(405 if received.method == b"CONNECT" else 200))
        for case in CASES:
            got, words = await judge(bench, case)
            counts[got] += 1
            if got == "refused" and case["expect"] == "accept" and words.startswith("UnsupportedTransportError"):
                unable.append(case["id"])
            elif got != ("whole" if case["expect"] == "accept" else "refused"):
                wrong.append(f"{case['id']} ({case['expect']}): {got}: {words[:200]}")
        leaks = [each for each in bench.origin.requests if each.values("x-injected") or each.target == b"/smuggled"]

    print(f"{subject}: {len(CASES) - len(wrong)} of {len(CASES)} right, {dict(counts)}, {len(unable)} unable")
    assert "\n".join(wrong) == ""
    assert leaks == []
    assert len(unable) <= REFUSED.get((subject.name, subject.version), 0), unable


@pytest.mark.timeout(120)
@pytest.mark.parametrize("subject", list(subjects_to_check()))
async def test_each_octet_in_a_value_arrives_or_is_refused(subject: Subject) -> None:
    """U-K5: octets above 0x7F arrive, or a connector that does not declare them refuses before anything is sent."""
    wrong: list[str] = []
    async with Bench(subject) as bench:
        opaque = bench.can(Capability.OPAQUE_VALUES)
        for case in OCTETS:
            octet: int = case["code"]
            try:
                request = Request("GET", bench.url(), headers=[("x-a", b"a" + bytes([octet]) + b"b")])
            except InvalidMessageError:
                got: Verdict = "refused"
            else:
                got, _ = await verdict(bench, request)
            harmless = octet == 9 or 0x20 <= octet <= 0x7E or (octet >= 0x80 and opaque)
            if got != ("whole" if harmless else "refused"):
                wrong.append(f"{octet:#04x} is {got}")

    assert wrong == []
