"""Checking rules: one, or all of them.

Stands on all rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, final

from stablehttp._errors import UnsupportedTransportError
from stablehttp.testing.contract import (
    _after_head,
    _bodies,
    _closing,
    _codings,
    _connections,
    _content,
    _duplex,
    _duplex_ends,
    _failures,
    _flow,
    _proxies,
    _requests,
    _responses,
    _secrets,
    _signed,
    _sinks,
    _surroundings,
    _timeouts,
    _unwanted,
)
from stablehttp.testing.contract._bench import Bench, Subject
from stablehttp.testing.contract._rule import BrokenRuleError, Rule, fails, same

_PATIENCE: Final = 10.0
_MODULES: Final = (
    _requests,
    _content,
    _unwanted,
    _bodies,
    _flow,
    _closing,
    _responses,
    _codings,
    _sinks,
    _failures,
    _after_head,
    _timeouts,
    _connections,
    _duplex,
    _duplex_ends,
    _surroundings,
    _proxies,
    _secrets,
    _signed,
)


def rules() -> tuple[Rule, ...]:
    """All rules of the contract, in the order in which they are best read."""
    return tuple(rule for module in _MODULES for rule in module.RULES)


def rules_for(subject: Subject) -> tuple[Rule, ...]:
    """The rules that are about a connector of this version and colour."""
    lendable = subject.lend is not None
    return tuple(rule for rule in rules() if rule.is_about(subject.version, subject.colour, lendable=lendable))


async def check(rule: Rule, subject: Subject) -> Literal["proved", "refused"]:
    """Check one rule on a new connector and new origins; tell whether it was proved, or refused as it may be.

    Raises:
        BrokenRuleError: the connector does not keep the rule.
    """
    async with Bench(subject) as bench:
        can = rule.needs is None or bench.can(rule.needs)
        try:
            async with asyncio.timeout(_PATIENCE):
                if can:
                    await rule.check(bench)
                elif rule.otherwise is not None:
                    await rule.otherwise(bench)
                else:
                    await _refuses(rule, bench)
        except TimeoutError as error:
            if type(error) is not TimeoutError:
                raise
            raise BrokenRuleError(f"it hangs, or takes longer than {_PATIENCE} seconds") from error
        for trouble in (trouble for origin in bench.origins for trouble in origin.errors):
            raise trouble
    return "proved" if can else "refused"


async def _refuses(rule: Rule, bench: Bench) -> None:
    with fails(UnsupportedTransportError) as caught:
        await rule.check(bench)
    assert rule.needs is not None
    same(caught.error.capability, rule.needs.value, "capability that the refusal names")
    same(caught.error.transport, bench.connector.name, "transport that the refusal names")
    same(bench.octets, 0, "octets that the origin saw")
    same([source.opened for source in bench.sources if source.opened], [], "bodies that were opened")


@final
@dataclass(frozen=True, slots=True)
class Result:
    """How one rule went; `broken` says why it was broken, if it was."""

    rule: Rule
    outcome: Literal["proved", "refused", "broken"]
    broken: Exception | None = None


def run(subject: Subject, only: Iterable[Rule] | None = None) -> tuple[Result, ...]:
    """Check all rules that are about `subject`, or `only` those, in an event loop of its own."""
    return asyncio.run(_run(subject, rules_for(subject) if only is None else only))


async def _run(subject: Subject, chosen: Iterable[Rule]) -> tuple[Result, ...]:
    results: list[Result] = []
    for rule in chosen:
        try:
            results.append(Result(rule, await check(rule, subject)))
        except Exception as error:  # whatever a connector lets out is a broken rule
            results.append(Result(rule, "broken", error))
    return tuple(results)
