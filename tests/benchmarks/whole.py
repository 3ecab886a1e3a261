"""From the arguments to what a client takes: build, derive, intercept, complete, check, sign, seal, convert."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from tests.benchmarks.forms import Form, forms
from tests.benchmarks.harness import Goal, LeftOut, Row, Rows, compare, measure, row_of
from tests.benchmarks.peers import PEERS
from tests.benchmarks.workload import (
    CONTENT,
    INTERCEPTORS,
    NOW,
    SIGNER,
    URL,
    Nowhere,
    build,
    lines_by_hand,
    prepare,
    whole,
)

from stablehttp import AsyncPipeline

_PEER_GOALS: Final = {"smithy-http + aws-sdk-signers": Goal(1 / 10, 1 / 13), "botocore": Goal(1 / 6, 1 / 8)}


def rows(seconds: float) -> Rows:
    """Against the least code by hand for each client's form, and against two SDKs."""
    found = list(forms())
    for form in found:
        yield form if isinstance(form, LeftOut) else _against_hand(form, seconds)
    for form in found:
        if isinstance(form, Form) and form.name.startswith("httpx"):
            yield _converting_to_httpx(form, seconds)
    as_aiohttp = [form.convert for form in found if isinstance(form, Form) and form.name == "aiohttp"]
    convert = as_aiohttp[0] if as_aiohttp else lambda request: request
    for name, make in PEERS.items():
        try:
            theirs, _ = make()
        except ImportError as error:
            yield LeftOut(f"whole / {name}", str(error))
            continue
        yield compare(f"whole / {name}", lambda: convert(whole()), theirs, seconds, _PEER_GOALS[name])
    yield from _steps(seconds)


def _against_hand(form: Form, seconds: float) -> Row:
    assert sorted(form.lines(form.convert(whole()))) == sorted(form.lines(form.by_hand()))
    return compare(
        f"whole, {form.name} form / by hand", lambda: form.convert(whole()), form.by_hand, seconds, form.goal
    )


def _converting_to_httpx(form: Form, seconds: float) -> Row:
    client = import_module(form.name)
    ready = prepare(build())
    lines = ready.headers.items()
    return compare(
        f"converting to {form.name} / building its Request the usual way",
        lambda: form.convert(ready),
        lambda: client.Request("PUT", URL, headers=lines, content=CONTENT),
        seconds,
        Goal(0.25),
    )


def _steps(seconds: float) -> Rows:
    """Where the time goes, as a part of the whole way by hand."""
    request = build()
    pipeline = AsyncPipeline(Nowhere(), interceptors=INTERCEPTORS, signer=SIGNER, clock=lambda: NOW)

    def send() -> None:
        try:
            pipeline.send(request).send(None)
        except StopIteration:
            return
        raise AssertionError("nothing to await here")

    times = measure(
        {"by hand": lines_by_hand, "build": build, "prepare": lambda: prepare(request), "send": send}, seconds
    )
    yield row_of("build / all lines by hand, signed", times["build"], times["by hand"])
    yield row_of("derive to seal / all lines by hand, signed", times["prepare"], times["by hand"])
    yield row_of("pipeline.send to a connector that does nothing / likewise", times["send"], times["by hand"])
