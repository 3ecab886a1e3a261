"""Every rule of the contract, on every connector, version and colour that is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.contract.deviations import DEVIATIONS, deviation
from tests.contract.subjects import missing, subjects, talking_aiohttp

from stablehttp import Capability
from stablehttp.testing.contract import Rule, Subject, check, rules, rules_for


def cases() -> Iterator[object]:
    for subject in subjects():
        reason = missing(subject.name, subject.colour)
        if reason is not None:
            skip = pytest.mark.skip(reason=reason)
            yield pytest.param(subject, rules()[0], id=f"{subject}-all rules", marks=skip)
            continue
        for rule in rules_for(subject):
            known = deviation(subject, rule)
            marks = [] if known is None else [pytest.mark.xfail(reason=known, strict=True)]
            yield pytest.param(subject, rule, id=f"{subject}-{rule}", marks=marks)


@pytest.mark.timeout(40)
@pytest.mark.parametrize(("subject", "rule"), list(cases()))
async def test_the_contract_is_kept(subject: Subject, rule: Rule) -> None:
    await check(rule, subject)


def talking() -> Iterator[object]:
    """The connectors that talk in both directions when they are told to, and the rules about that."""
    subject, reason = talking_aiohttp(), missing("aiohttp")
    skip = [] if reason is None else [pytest.mark.skip(reason=reason)]
    for rule in rules_for(subject):
        if rule.needs is Capability.DUPLEX:
            yield pytest.param(subject, rule, id=f"{subject}-{rule}", marks=skip)


@pytest.mark.timeout(40)
@pytest.mark.parametrize(("subject", "rule"), list(talking()))
async def test_a_connector_that_is_told_to_talk_does(subject: Subject, rule: Rule) -> None:
    assert await check(rule, subject) == "proved"


def test_rules_have_ids_of_their_own_and_say_what_they_prove() -> None:
    ids = [rule.id for rule in rules()]

    assert len(ids) == len(set(ids))
    assert all(rule.proves for rule in rules())


def test_deviations_are_about_rules_that_exist() -> None:
    assert {rule for _, rule in DEVIATIONS} <= {rule.id for rule in rules()}
