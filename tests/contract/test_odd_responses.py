"""Every odd response through every connector of HTTP/1.1: one story for each, and the known deviations exactly."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.odd_responses import (
    IN_A_MAP,
    KINDS,
    Reply,
    Story,
    as_a_map,
    head_of,
    octets,
    shared,
    stories,
    told_alike,
)
from tests.contract.subjects import missing, subjects

from stablehttp import Capability, HttpVersion, Request, StableHTTPError
from stablehttp.testing import Answer
from stablehttp.testing.contract import Bench, Subject

PAGE = Path(__file__).parents[2] / "docs" / "odd-responses.md"


def cases() -> Iterator[object]:
    for subject in subjects():
        if subject.version is HttpVersion.HTTP_1_1:
            reason = missing(subject.name, subject.colour)
            marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
            yield pytest.param(subject, id=str(subject), marks=marks)


async def told(bench: Bench, response: bytes) -> object:
    """What a new connection, on which the origin sends `response` and closes, comes to."""
    bench.origin.answer(Answer(raw=response))
    driver = bench.connect(bench.settings)
    try:
        async with asyncio.timeout(10):
            reply = await driver.send(Request("GET", bench.url()))
            content = await reply.read()
    except StableHTTPError as error:
        return type(error).__name__ if (error.sent, error.processed) != ("no", "no") else f"unsent {error!r}"
    except (Exception, asyncio.CancelledError) as error:  # this is what no connector may let out
        return f"{type(error).__name__}: {error}"
    finally:
        await driver.close()
    head = reply.response
    return head.status, head.reason, told_alike(head.headers.items()), content


def expected(bench: Bench, story: Story, response: bytes) -> object:
    if isinstance(story, str):
        return story
    status, reason, lines = head_of(response)
    lines = [(name, story.lines.get(name, value)) for name, value in lines]
    if bench.subject.name in IN_A_MAP:
        lines = as_a_map(lines)
    return status, reason if bench.can(Capability.REASON_PHRASE) else "", told_alike(lines), story.content


@pytest.mark.timeout(60)
@pytest.mark.parametrize("subject", list(cases()))
async def test_every_odd_response_comes_to_the_one_story_or_a_known_deviation(subject: Subject) -> None:
    """U-E5, U-E1, U-D2."""
    responses = octets()
    wrong: list[str] = []
    async with Bench(subject) as bench:
        for case, story, _ in stories(subject.name):
            got, wanted = await told(bench, responses[case]), expected(bench, story, responses[case])
            if got != wanted:
                wrong.append(f"{case}: {str(wanted)[:200]} was expected, and {str(got)[:200]} told")

    assert "\n".join(wrong) == ""


def test_every_vector_is_of_one_kind_and_every_case_has_octets() -> None:
    listed = Counter(case for kind in KINDS for case in kind.cases)

    assert set(listed.values()) == {1}
    assert set(listed) == set(octets())
    assert set(shared()) <= set(listed)
    assert len(listed) >= 90


def test_a_deviation_is_about_cases_of_its_kind_and_differs_from_the_rule() -> None:
    for kind in KINDS:
        for deviation in kind.deviations:
            about = deviation.only or list(kind.cases)
            assert set(about) <= set(kind.cases)
            assert [case for case in about if kind.cases[case] == deviation.story] == []


# --- the page -----------------------------------------------------------------------------------


def page() -> list[str]:
    rows = [f"| {kind.name} | {kind.rule} | {kind.section} | {_others(kind.deviations)} |" for kind in KINDS]
    return ["| what arrives | what comes of it | by | but |", "|---|---|---|---|", *rows]


def _others(deviations: object) -> str:
    assert isinstance(deviations, list | tuple)
    return "; ".join(f"{each.client}: {_in_words(each.story)}{_only(each.only)}" for each in deviations)


def _in_words(story: Story) -> str:
    return "accepted, otherwise" if isinstance(story, Reply) else f"`{story}`"


def _only(only: object) -> str:
    assert isinstance(only, list | tuple)
    return f" ({', '.join(case.rpartition('/')[2] for case in only)})" if only else ""


def test_the_page_on_odd_responses_draws_the_kinds_that_are_tested() -> None:
    drawn = PAGE.read_text().partition("<!-- kinds -->\n")[2].partition("<!-- /kinds -->")[0]

    assert drawn.splitlines() == page()


def test_the_page_gives_the_reason_of_every_deviation() -> None:
    text = PAGE.read_text()

    assert {each.why for kind in KINDS for each in kind.deviations if each.why not in text} == set()


def test_the_page_counts_what_all_agree_on() -> None:
    odd = len(
        {
            case
            for client in ("h11", "httpx", "aiohttp", "crt", "pyqwest")
            for case, _, found in stories(client)
            if found
        }
    )

    assert f"On {len(octets()) - odd} of {len(octets())} all connectors agree" in PAGE.read_text()
