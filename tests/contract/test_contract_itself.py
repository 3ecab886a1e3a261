"""The contract catches connectors that do not keep it: each cheat below breaks the rule that is about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from types import MappingProxyType
from typing import Final

import pytest
from tests.contract import capabilities
from tests.contract.subjects import missing, subjects

from stablehttp import (
    AsyncBody,
    AsyncConnector,
    Capability,
    HttpSettings,
    HttpVersion,
    Request,
    Response,
    StableHTTPError,
    UnsupportedTransportError,
)
from stablehttp._connectors import check_sendable
from stablehttp._message import derive
from stablehttp.testing import AsyncMemoryConnector
from stablehttp.testing import Rule as Answering
from stablehttp.testing.contract import BrokenRuleError, Rule, Subject, check, rules, run

HONEST: Final = "h11"
ABOUT: Final = (HttpVersion.HTTP_1_1, "async")
pytestmark = pytest.mark.skipif(missing(HONEST) is not None, reason=str(missing(HONEST)))


class Cheat(AsyncConnector):
    """Goes through an honest connector, and does one thing wrong."""

    name = "cheat"

    def __init__(self, honest: AsyncConnector) -> None:
        self.honest = honest
        self.capabilities = honest.capabilities

    def change(self, request: Request[AsyncBody]) -> Request[AsyncBody]:
        return derive(request)

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        return await self.honest.send(self.change(request))

    async def aclose(self) -> None:
        await self.honest.aclose()


class AddsALine(Cheat):
    def change(self, request: Request[AsyncBody]) -> Request[AsyncBody]:
        changed = derive(request)
        changed.headers.add("User-Agent", "cheat/1")
        return changed


class JoinsLines(Cheat):
    def change(self, request: Request[AsyncBody]) -> Request[AsyncBody]:
        changed = derive(request)
        for name in changed.headers.keys():  # noqa: SIM118
            changed.headers.set(name, ", ".join(changed.headers.values(name)))
        return changed


class LowersNames(Cheat):
    def change(self, request: Request[AsyncBody]) -> Request[AsyncBody]:
        lines = [(name.lower(), value) for name, value in request.headers.items()]
        return Request(request.method, request.uri, headers=lines, body=request.body, trailers=request.trailers)


class RaisesMethods(Cheat):
    def change(self, request: Request[AsyncBody]) -> Request[AsyncBody]:
        changed = derive(request)
        changed.method = request.method.upper()
        return changed


class NormalisesTargets(Cheat):
    def change(self, request: Request[AsyncBody]) -> Request[AsyncBody]:
        changed = derive(request)
        changed.uri = request.uri.with_target(request.target.replace("%2f", "%2F"))
        return changed


class DropsTrailers(Cheat):
    def change(self, request: Request[AsyncBody]) -> Request[AsyncBody]:
        changed = derive(request)
        changed.trailers.clear()
        return changed


class ChangesTheRequest(Cheat):
    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        response = await self.honest.send(request)
        request.extensions.set("note")
        return response


class SendsTwice(Cheat):
    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        await (await self.honest.send(request)).aread()
        return await self.honest.send(request)


class RetriesOnErrors(Cheat):
    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        try:
            return await self.honest.send(request)
        except ConnectionError:
            return await self.honest.send(request)


class LeaksErrors(Cheat):
    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        try:
            return await self.honest.send(request)
        except StableHTTPError as error:
            raise RuntimeError("2058") from error


class HidesCuts(Cheat):
    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        response = await self.honest.send(request)

        async def content() -> AsyncIterator[bytes]:
            try:
                async for chunk in response.body:
                    yield chunk
            except ConnectionError:
                return

        return Response(response.status, headers=response.headers, body=content())


class ClaimsDuplex(Cheat):
    def __init__(self, honest: AsyncConnector) -> None:
        super().__init__(honest)
        every = {version: can | {Capability.DUPLEX} for version, can in honest.capabilities.items()}
        self.capabilities = MappingProxyType(every)

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        content = b"".join([chunk async for chunk in request.body])
        return await self.honest.send(Request(request.method, request.uri, headers=request.headers, body=content))


class RefusesLate(Cheat):
    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        await (await self.honest.send(request)).aread()
        raise UnsupportedTransportError("too late", transport="cheat", capability="this target")


CHEATS: Final[list[tuple[type[Cheat], str]]] = [
    (AddsALine, "no line is added"),
    (JoinsLines, "field lines are sent as given"),
    (LowersNames, "field lines are sent as given"),
    (RaisesMethods, "the method is sent as given"),
    (NormalisesTargets, "the target is sent as given"),
    (DropsTrailers, "request trailers are sent"),
    (ChangesTheRequest, "sending leaves the request as it was"),
    (SendsTwice, "no line is added"),
    (RetriesOnErrors, "a connection that breaks is no second request"),
    (LeaksErrors, "a refused connection is told"),
    (HidesCuts, "content that was cut is told"),
    (ClaimsDuplex, "both directions work at once"),
    (RefusesLate, "a verbatim target is sent as given or refused"),
]


def making(cheat: Callable[[AsyncConnector], AsyncConnector]) -> Subject:
    honest = next(subject for subject in subjects() if subject.name == HONEST and subject.colour == "async")

    def make(settings: HttpSettings, versions: Sequence[HttpVersion]) -> AsyncConnector:
        made = honest.make(settings, versions)
        assert isinstance(made, AsyncConnector)
        return cheat(made)

    return Subject("cheat", make)


def named(name: str) -> object:
    return next(rule for rule in rules() if rule.id == name)


@pytest.mark.parametrize(("cheat", "rule"), CHEATS, ids=lambda value: getattr(value, "__name__", value))
async def test_a_connector_that_cheats_is_caught(cheat: type[Cheat], rule: str) -> None:
    with pytest.raises(BrokenRuleError):
        await check(named(rule), making(cheat))


def lacking(capability: Capability) -> type[Cheat]:
    class Lacks(Cheat):
        """Says that it cannot do something, and refuses."""

        def __init__(self, honest: AsyncConnector) -> None:
            super().__init__(honest)
            less = {version: can - {capability} for version, can in honest.capabilities.items()}
            self.capabilities = MappingProxyType(less)

        async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
            check_sendable(request, self, None)
            return await super().send(request)

    return Lacks


@pytest.mark.parametrize(
    "rule",
    [
        rule
        for rule in rules()
        if rule.needs not in (None, Capability.PROXY)  # a proxy is refused when the connector is made
        and rule.otherwise is None
        and rule.is_about(*ABOUT, lendable=False)
    ],
    ids=str,
)
async def test_a_connector_that_declares_less_has_to_refuse_and_that_is_seen(rule: Rule) -> None:
    """U-D7: each rule asks for what it needs before anything goes on beside."""
    assert rule.needs is not None

    assert await check(rule, making(lacking(rule.needs))) == "refused"


def test_run_gives_a_result_for_each_rule() -> None:
    results = run(making(AddsALine), [named("no line is added"), named("no redirect is followed")])

    assert [result.outcome for result in results] == ["broken", "proved"]
    assert isinstance(results[0].broken, BrokenRuleError)
    assert results[1].broken is None


async def test_a_connector_without_a_network_breaks_the_rules_about_arrival() -> None:
    subject = Subject("memory", lambda settings, versions: AsyncMemoryConnector([Answering(Response(200))]))

    with pytest.raises(BrokenRuleError, match="requests that arrived"):
        await check(named("no line is added"), subject)


def test_the_page_of_capabilities_is_current() -> None:
    """U-D7: what is declared is published."""
    assert capabilities.PAGE.read_text() == capabilities.page(), "run python -m tests.contract.capabilities"
