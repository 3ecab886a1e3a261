"""A pipeline that takes its connector from a cache: chosen for each call, before any work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import MappingProxyType

import pytest

from stablehttp import (
    URI,
    AnyRequest,
    AsyncBody,
    AsyncConnector,
    AsyncConnectorCache,
    AsyncPipeline,
    Attempt,
    CallOptions,
    Capability,
    ConnectorRequirements,
    HttpSettings,
    HttpVersion,
    Interceptor,
    MisuseError,
    NoConnectorError,
    Operation,
    ProtocolVersions,
    Request,
    RequestEditor,
    Response,
    SyncBody,
    SyncConnector,
    SyncConnectorCache,
    SyncPipeline,
    Timeouts,
    UnsupportedTransportError,
)
from stablehttp.adapting import AsyncReceivedBody
from stablehttp.testing import AsyncMemoryConnector, Rule

H1, H2 = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2
EVERYTHING = frozenset(Capability)
CHAT = Operation("com.example#Chat", "duplex")
PLAIN, SECURE = "http://a.test/", "https://a.test/"


class Source:
    """Content of one chunk."""

    def __init__(self) -> None:
        self.chunks = [b"hello", b""]

    async def read(self) -> bytes:
        return self.chunks.pop(0)

    async def aclose(self) -> None:
        pass

    def trailers(self) -> None:
        return None


class Sender(AsyncConnector):
    """Answers with content that has to be read."""

    def __init__(self, versions: tuple[HttpVersion, ...], can: frozenset[Capability], settings: HttpSettings) -> None:
        self.capabilities = MappingProxyType(dict.fromkeys(versions, can))
        self.settings = settings
        self.sent: list[AnyRequest] = []
        self.error: BaseException | None = None
        self.closed = False

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        self.sent.append(request)
        if self.error is not None:
            raise self.error
        body: AsyncBody = AsyncReceivedBody(Source())
        return Response(200, body=body)

    async def aclose(self) -> None:
        self.closed = True


class Factory:
    """Makes `Sender`s that can do what it says."""

    def __init__(self, *versions: HttpVersion, can: frozenset[Capability] = EVERYTHING) -> None:
        self.versions = versions
        self.can = can
        self.made: list[Sender] = []

    def __call__(self, requirements: ConnectorRequirements) -> Sender | None:
        spoken = tuple(version for version in requirements.versions if version in self.versions)
        if not spoken or not requirements.needs <= self.can:
            return None
        self.made.append(Sender(spoken, self.can, requirements.settings))
        return self.made[-1]


class Watcher(Interceptor):
    """Notes that it ran, and may lead a request elsewhere."""

    def __init__(self, leads_to: str | None = None) -> None:
        self.leads_to = leads_to
        self.ran = 0
        self.attempts: list[Attempt] = []

    def modify_before_signing(self, request: AnyRequest) -> None:
        self.ran += 1
        if self.leads_to is not None:
            request.uri = URI(self.leads_to)

    def read_after_attempt(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)


async def test_ordinary_calls_and_streams_of_messages_get_connectors_of_their_own_versions() -> None:
    """C11, C18, C19."""
    factory = Factory(H1, H2)
    pipeline = AsyncPipeline(AsyncConnectorCache([factory]))

    await (await pipeline.send(Request("GET", SECURE))).aread()
    await (await pipeline.send(Request("GET", SECURE), operation=Operation("a#Get"))).aread()
    assert [made.versions for made in factory.made] == [(H1,)]
    await (await pipeline.send(Request("GET", SECURE), operation=Operation("a#Watch", "server_stream"))).aread()

    assert [made.versions for made in factory.made] == [(H1,), (H2, H1)]
    assert [len(made.sent) for made in factory.made] == [2, 1]


WISHES = {
    "of the client": ({"versions": ProtocolVersions(http=(H2,))}, Operation("a#B"), None, (H2,)),
    "of the operation": ({}, Operation("a#B", versions=(H2,)), None, (H2,)),
    "of the call": ({}, Operation("a#B", versions=(H1,)), CallOptions(versions=(H2,)), (H2,)),
}


@pytest.mark.parametrize("wish", WISHES)
async def test_versions_are_those_of_the_call_or_the_operation_or_the_client(wish: str) -> None:
    """C16, C20."""
    given, operation, options, versions = WISHES[wish]
    factory = Factory(H1, H2)
    pipeline = AsyncPipeline(AsyncConnectorCache([factory]), **given)  # type: ignore[arg-type]

    await (await pipeline.send(Request("GET", SECURE), operation=operation, options=options)).aread()

    assert [made.versions for made in factory.made] == [versions]


async def test_settings_of_a_call_lead_to_a_connector_of_its_own() -> None:
    """C20."""
    factory = Factory(H1)
    pipeline = AsyncPipeline(AsyncConnectorCache([factory]), settings=HttpSettings(connect_timeout=1))
    options = CallOptions(settings=HttpSettings(connect_timeout=2))

    for given in (None, options, None, options):
        await (await pipeline.send(Request("GET", SECURE), options=given)).aread()

    assert [made.settings.connect_timeout for made in factory.made] == [1, 2]
    assert [len(made.sent) for made in factory.made] == [2, 2]


async def test_timeouts_are_no_part_of_the_key() -> None:
    """C2: a thousand deadlines make one connector."""
    factory = Factory(H1)
    pipeline = AsyncPipeline(AsyncConnectorCache([factory]))

    for seconds in range(1, 50):
        options = CallOptions(timeouts=Timeouts(total=seconds))
        await (await pipeline.send(Request("GET", SECURE), options=options)).aread()

    assert len(factory.made) == 1


async def test_a_call_that_no_connector_can_carry_fails_before_anything_happens() -> None:
    """D4, C9, U-J5."""
    watcher, factory = Watcher(), Factory(H1, H2, can=frozenset())
    begun: list[bool] = []

    async def content() -> AsyncIterator[bytes]:
        begun.append(True)
        yield b"a"

    pipeline = AsyncPipeline(AsyncConnectorCache([factory]), interceptors=[watcher])
    with pytest.raises(NoConnectorError, match=r"operation 'com.example#Chat' cannot be sent: no connector") as caught:
        await pipeline.send(Request("POST", SECURE, body=content()), operation=CHAT)

    assert (watcher.ran, factory.made, begun) == (0, [], [])
    assert (caught.value.operation, caught.value.wanted) == ("com.example#Chat", ["HTTP/2", "HTTP/1.1"])


async def test_what_an_operation_needs_decides_which_connector_is_taken() -> None:
    """D14."""
    usual, able = Factory(H1, can=EVERYTHING - {Capability.DUPLEX}), Factory(H2)
    pipeline = AsyncPipeline(AsyncConnectorCache([usual, able]))

    await (await pipeline.send(Request("POST", SECURE))).aread()
    await (await pipeline.send(Request("POST", SECURE), operation=CHAT)).aread()

    assert (len(usual.made), len(able.made)) == (1, 1)


async def test_a_request_that_is_led_to_another_scheme_gets_a_connector_for_that() -> None:
    encrypted, any_scheme = Factory(H1, can=EVERYTHING - {Capability.CLEARTEXT}), Factory(H1)
    cache = AsyncConnectorCache([encrypted, any_scheme])

    await (await AsyncPipeline(cache).send(Request("GET", SECURE))).aread()
    await (await AsyncPipeline(cache, interceptors=[Watcher(PLAIN)]).send(Request("GET", SECURE))).aread()

    assert [len(made.sent) for made in encrypted.made] == [1]
    assert [[str(sent.uri) for sent in made.sent] for made in any_scheme.made] == [[PLAIN]]


async def test_a_request_that_is_led_where_no_connector_goes_is_refused_before_it_is_signed() -> None:
    signed: list[object] = []

    def sign() -> None:
        signed.append(True)

    encrypted = Factory(H1, can=EVERYTHING - {Capability.CLEARTEXT})
    pipeline = AsyncPipeline(AsyncConnectorCache([encrypted]), interceptors=[Watcher(PLAIN)], signer=sign)  # type: ignore[arg-type]

    with pytest.raises(NoConnectorError, match="connections without TLS"):
        await pipeline.send(Request("GET", SECURE))

    assert (signed, encrypted.made[0].sent) == ([], [])


async def test_a_connector_that_has_to_go_is_closed_when_its_last_response_was_read() -> None:
    factory = Factory(H1)
    cache = AsyncConnectorCache([factory], max_connectors=1)
    pipeline = AsyncPipeline(cache)

    one = await pipeline.send(Request("GET", SECURE))
    other = await pipeline.send(Request("GET", SECURE))
    last = await pipeline.send(Request("GET", SECURE), options=CallOptions(settings=HttpSettings(connect_timeout=1)))
    await asyncio.sleep(0)
    assert [made.closed for made in factory.made] == [False, False]
    await one.aread()
    await asyncio.sleep(0)
    assert not factory.made[0].closed
    await other.body.aclose()
    await asyncio.sleep(0)
    assert [made.closed for made in factory.made] == [True, False]
    await last.aread()


@pytest.mark.parametrize("how", ["the transport fails", "it is cancelled", "a hook fails"])
async def test_a_call_that_fails_gives_its_connector_back(how: str) -> None:
    factory = Factory(H1)
    cache = AsyncConnectorCache([factory], max_connectors=1)
    watcher = Watcher()
    pipeline = AsyncPipeline(cache, interceptors=[watcher])
    await (await pipeline.send(Request("GET", SECURE))).aread()
    first = factory.made[0]
    first.error = {"the transport fails": OSError("gone"), "it is cancelled": asyncio.CancelledError()}.get(how)
    watcher.leads_to = "nowhere" if how == "a hook fails" else None

    with pytest.raises((OSError, asyncio.CancelledError, ValueError)):
        await pipeline.send(Request("GET", SECURE))
    watcher.leads_to = None
    other = await pipeline.send(Request("GET", SECURE), options=CallOptions(settings=HttpSettings(connect_timeout=1)))
    await asyncio.sleep(0)

    assert first.closed
    await other.aread()


async def test_a_cache_that_was_given_is_left_open_and_one_that_was_made_is_closed() -> None:
    factory = Factory(H1)
    async with AsyncConnectorCache([factory]) as cache:
        async with AsyncPipeline(cache) as pipeline:
            await (await pipeline.send(Request("GET", SECURE))).aread()
        assert not factory.made[0].closed
    assert factory.made[0].closed


def test_settings_beside_a_connector_that_is_made_already_are_a_mistake() -> None:
    memory = AsyncMemoryConnector()

    for given in ({"settings": HttpSettings()}, {"versions": ProtocolVersions()}):
        with pytest.raises(MisuseError, match="give it a cache of connectors"):
            AsyncPipeline(memory, **given)  # type: ignore[arg-type]


async def test_settings_of_a_call_need_a_cache() -> None:
    watcher = Watcher()
    pipeline = AsyncPipeline(AsyncMemoryConnector(), interceptors=[watcher])

    with pytest.raises(MisuseError, match="settings of a call choose its connector"):
        await pipeline.send(Request("GET", SECURE), options=CallOptions(settings=HttpSettings()))
    with pytest.raises(MisuseError, match="settings of a call choose its connector"):
        pipeline.open(Request("GET", SECURE), options=CallOptions(settings=HttpSettings()))

    assert watcher.ran == 0


def test_a_timeout_that_a_given_connector_cannot_keep_is_refused_when_the_client_is_made() -> None:
    """U-D1: at configuration time."""
    sender = Sender((H1,), frozenset({Capability.READ_TIMEOUT}), HttpSettings())

    AsyncPipeline(sender, timeouts=Timeouts(read=1))
    with pytest.raises(UnsupportedTransportError, match="set timeout 'total' to None"):
        AsyncPipeline(sender, timeouts=Timeouts(total=1))


async def test_the_editor_of_a_call_has_the_last_word_before_the_request_is_completed() -> None:
    """W7: hooks, the editor and connectors all take our types."""
    memory = AsyncMemoryConnector([Rule(Response(200))])
    request = Request("GET", SECURE, headers=[("X-A", "1")])

    def edit(editor: RequestEditor) -> None:
        editor.set("X-A", "2")
        editor.add("X-B", "3")

    await (await AsyncPipeline(memory).send(request, options=CallOptions(editor=edit))).aread()

    assert list(memory.requests[0].headers) == [("Host", "a.test"), ("X-A", "2"), ("X-B", "3")]
    assert list(request.headers) == [("X-A", "1")]


async def test_an_exchange_takes_a_connector_that_can_do_both_directions() -> None:
    """D14."""
    memory = AsyncMemoryConnector([Rule(Response(200, body=b"hi"))])
    asked: list[ConnectorRequirements] = []

    def make(requirements: ConnectorRequirements) -> AsyncMemoryConnector:
        asked.append(requirements)
        return memory

    pipeline = AsyncPipeline(AsyncConnectorCache([make]), versions=ProtocolVersions(event_stream_http=(H1,)))
    async with pipeline.open(Request("POST", SECURE)) as exchange:
        response = await exchange.response()
        await exchange.send_end()
        assert await response.aread() == b"hi"

    assert asked[0].duplex


class Blocking(SyncConnector):
    """The least synchronous connector."""

    capabilities = MappingProxyType({H1: EVERYTHING - {Capability.DUPLEX}})

    def __init__(self) -> None:
        self.closed = False

    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        return Response(200)

    def close(self) -> None:
        self.closed = True


def test_the_synchronous_twin_chooses_alike() -> None:
    made: list[Blocking] = []

    def make(requirements: ConnectorRequirements) -> Blocking | None:
        if requirements.duplex:
            return None
        made.append(Blocking())
        return made[-1]

    with SyncConnectorCache([make], max_connectors=1) as cache:
        pipeline = SyncPipeline(cache, interceptors=[Watcher(PLAIN)])
        pipeline.send(Request("GET", SECURE))
        pipeline.send(Request("GET", SECURE), options=CallOptions(settings=HttpSettings(connect_timeout=1)))
        with pytest.raises(NoConnectorError, match="com.example#Chat"):
            pipeline.send(Request("GET", SECURE), operation=CHAT)
        assert [connector.closed for connector in made] == [True, False]
    with pytest.raises(MisuseError):
        SyncPipeline(Blocking()).send(Request("GET", SECURE), options=CallOptions(settings=HttpSettings()))


async def test_every_send_is_one_event_also_when_it_is_cancelled_or_a_foreign_error_ends_it() -> None:
    """U-C5."""
    watcher = Watcher()
    sender = Sender((H1,), EVERYTHING, HttpSettings())
    pipeline = AsyncPipeline(sender, interceptors=[watcher])

    await (await pipeline.send(Request("PUT", SECURE, body=b"abc"))).aread()
    for error in (asyncio.CancelledError(), OSError("gone")):
        sender.error = error
        with pytest.raises(type(error)):
            await pipeline.send(Request("PUT", SECURE, body=b"abc"))

    good, cancelled, failed = watcher.attempts
    assert (good.method, good.origin, good.status, good.error) == ("PUT", "https://a.test", 200, None)
    assert (good.request_length, good.response_length) == (3, None)
    assert (good.sent, good.processed) == ("yes", "yes")
    assert (cancelled.sent, cancelled.processed, failed.sent) == ("maybe", "maybe", "maybe")
    assert 0 <= good.seconds < 60
    assert good.started <= cancelled.started <= failed.started
