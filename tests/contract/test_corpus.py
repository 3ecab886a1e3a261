"""The corpus through every connector: each request arrives whole, or is refused before its first octet."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest
from tests.contract.subjects import missing, subjects

from stablehttp import HttpVersion, InvalidMessageError, StableHTTPError, UnsupportedTransportError
from stablehttp.testing import Answer
from stablehttp.testing._corpus import Sample, corpus
from stablehttp.testing.contract import Bench, Subject

LEAST_WHOLE: Final = {
    # of 179 on HTTP/1.1 and 172 on HTTP/2: what is demanded of 148 and 141, scaled; two have trailers, one is a CONNECT
    ("h11", HttpVersion.HTTP_1_1): 179,
    ("httpx", HttpVersion.HTTP_1_1): 176,
    ("httpx2", HttpVersion.HTTP_1_1): 176,
    ("aiohttp", HttpVersion.HTTP_1_1): 173,
    ("crt", HttpVersion.HTTP_1_1): 173,
    ("httpx", HttpVersion.HTTP_2): 170,
    ("httpx2", HttpVersion.HTTP_2): 170,
    ("crt", HttpVersion.HTTP_2): 164,
    ("pyqwest", HttpVersion.HTTP_1_1): 156,
    ("pyqwest", HttpVersion.HTTP_2): 147,
}


def cases() -> Iterator[object]:
    for subject in subjects():
        reason = missing(subject.name, subject.colour)
        marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
        yield pytest.param(subject, id=str(subject), marks=marks)


async def outcome(bench: Bench, sample: Sample) -> tuple[str, str]:
    """Whether it arrived whole, was refused or altered, and what there is to say about it."""
    before = bench.octets
    bench.origin.forget()
    bench.origin.answer(Answer(405 if sample.method == "CONNECT" else 200))  # no tunnel
    try:
        async with asyncio.timeout(5):
            reply = await bench.driver.send(sample.request(bench.origin.url, bench.subject.colour))
            await reply.read()
    except StableHTTPError as error:
        refused = isinstance(error, UnsupportedTransportError | InvalidMessageError) and bench.octets == before
        return "refused" if refused else "altered", f"{type(error).__name__}: {error}"
    except TimeoutError:
        return "altered", "it hangs"
    received = await bench.origin.atake()
    found = bench.expected(bench.driver.last, sample.octets).differences(received)
    return ("altered", "; ".join(found)) if found else ("whole", "")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("subject", list(cases()))
async def test_each_request_arrives_whole_or_is_refused_before_its_first_octet(
    subject: Subject, record_property: pytest.RecordProperty
) -> None:
    """U-B1, U-B2, U-B6, U-K1, U-H1; the measures of arrival."""
    samples = [sample for sample in corpus() if subject.version in sample.versions]
    outcomes: dict[str, tuple[str, str]] = {}
    async with Bench(subject) as bench:
        for sample in samples:
            outcomes[sample.name] = await outcome(bench, sample)

    counts = Counter(kind for kind, _ in outcomes.values())
    told = f"{subject}: {counts['whole']} whole, {counts['refused']} refused, {counts['altered']} altered"
    record_property("corpus", told)
    print(told)
    for name, (kind, words) in outcomes.items():
        if kind != "whole":
            print(f"  {kind}: {name}: {words[:200]}")
    assert counts["altered"] == 0, told
    assert counts["whole"] >= LEAST_WHOLE[subject.name, subject.version], told


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    names = [sample.name for sample in corpus()]

    assert len(names) >= 150
    assert len(set(names)) == len(names)
    assert {sample.group for sample in corpus()} == {"target", "method", "fields", "framing"}
