"""The memory connector: what it answers, what it records, and that it is as strict as a real one."""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from stablehttp import (
    AsyncIterableBody,
    AsyncPipeline,
    BodyColourError,
    BytesBody,
    Capability,
    ClosedError,
    ContentLengthError,
    DisconnectedError,
    Extensions,
    HttpVersion,
    IncompleteResponseError,
    InformationalHook,
    InvalidResponseError,
    IterableBody,
    MisuseError,
    ReadTimeoutError,
    Request,
    Response,
    SyncPipeline,
    Timeouts,
    TotalTimeoutError,
    TrailersUnavailableError,
)
from stablehttp._connectors import supports_duplex
from stablehttp.testing import (
    AsyncMemoryConnector,
    Early,
    Pause,
    Pieces,
    Rule,
    SyncMemoryConnector,
    UnmatchedRequestError,
    UnusedRuleError,
)

URL = "https://a.test/items?token=SECRET"


def get(url: str = URL, **fields: str) -> Request[BytesBody]:
    return Request("GET", url, headers=[(name.replace("_", "-"), value) for name, value in fields.items()])


async def send(connector: AsyncMemoryConnector, request: object, timeouts: Timeouts | None = None) -> Response:
    return await AsyncPipeline(connector, timeouts=timeouts).send(request)


# --- matching -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        pytest.param({"method": "PUT"}, "the method is GET", id="method"),
        pytest.param({"method": "get"}, "the method is GET", id="method in another case"),
        pytest.param({"origin": "https://b.test"}, "the origin is https://a.test", id="origin"),
        pytest.param({"path": "/other"}, "the path differs", id="path"),
        pytest.param({"target": "/items?token=OTHER"}, "the query differs", id="query"),
        pytest.param({"target": "/Items"}, "the target differs", id="target"),
        pytest.param({"fields": [("X-A", "1")]}, "field 'X-A' is missing", id="missing field"),
        pytest.param({"fields": [("accept", "b")]}, "field 'accept' has another value", id="another value"),
        pytest.param({"predicate": lambda request: False}, "the predicate says no", id="predicate"),
    ],
)
async def test_a_request_that_no_rule_matches_is_an_error_that_says_why(rule: dict, reason: str) -> None:
    """U-C2."""
    connector = AsyncMemoryConnector([Rule(Response(200), **rule)])

    with pytest.raises(UnmatchedRequestError) as caught:
        await send(connector, get(accept="a"))

    assert caught.value.reasons[0].endswith(reason)
    assert reason in str(caught.value)
    assert str(caught.value).startswith("no rule of the memory connector answers GET https://a.test/items:")
    assert connector.requests == ()


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"method": "GET"},
        {"origin": "HTTPS://A.test:443"},
        {"path": "/items"},
        {"target": "/items?token=SECRET"},
        {"fields": {"Accept": "a", "host": "a.test"}},
        {"predicate": lambda request: request.headers["accept"] == "a"},
    ],
    ids=lambda rule: " ".join(rule) or "anything",
)
async def test_a_rule_answers_the_requests_that_it_describes(rule: dict) -> None:
    connector = AsyncMemoryConnector([Rule(Response(418), method="PUT"), Rule(Response(204), **rule)])

    assert (await send(connector, get(accept="a"))).status == 204


async def test_no_secret_is_in_the_error_of_an_unmatched_request() -> None:
    """U-I5."""
    rules = [
        Rule(Response(200), target="/items?token=OTHERSECRET", fields=[("Authorization", "SECRET")]),
        Rule(Response(200), fields=[("Authorization", "OTHERSECRET")]),
    ]

    with pytest.raises(UnmatchedRequestError) as caught:
        await send(AsyncMemoryConnector(rules), get("https://user:SECRET@a.test/?sig=SECRET", authorization="SECRET1"))

    assert "SECRET" not in str(caught.value)
    assert "SECRET" not in repr(caught.value)
    assert "any method anywhere with Authorization" in caught.value.reasons[1]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


async def test_without_rules_the_error_says_so() -> None:
    with pytest.raises(UnmatchedRequestError, match="it has no rules; add one"):
        await send(AsyncMemoryConnector(), get())


async def test_an_unmatched_request_leaves_its_body_untouched() -> None:
    async def give() -> AsyncIterator[bytes]:
        yield b"content"

    request = Request("POST", URL, body=give())
    connector = AsyncMemoryConnector()
    with pytest.raises(UnmatchedRequestError):
        await send(connector, request)
    connector.add(Rule(Response(200)))
    await send(connector, request)

    assert connector.requests[0].content == b"content"


def test_a_rule_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(MisuseError, match="times"):
        Rule(Response(200), times=0)
    with pytest.raises(MisuseError, match="times"):
        Rule([Response(200)], times=2)
    with pytest.raises(ValueError, match="absolute URI"):
        Rule(Response(200), origin="a.test")


# --- replies ------------------------------------------------------------------------------------


async def test_a_sequence_is_used_in_order_and_then_the_next_rule_answers() -> None:
    connector = AsyncMemoryConnector(
        [Rule([Response(500), DisconnectedError("cut"), Response(200)]), Rule(Response(404), times=1)]
    )

    assert (await send(connector, get())).status == 500
    with pytest.raises(DisconnectedError, match="cut"):
        await send(connector, get())
    assert (await send(connector, get())).status == 200
    assert (await send(connector, get())).status == 404
    with pytest.raises(UnmatchedRequestError, match="it answered 3 already"):
        await send(connector, get())


async def test_an_error_is_raised_as_a_fresh_copy_each_time() -> None:
    cause = OSError("why")
    error = DisconnectedError("cut", sent="yes", processed="maybe")
    error.__cause__ = cause
    connector = AsyncMemoryConnector([Rule(error)])

    raised = []
    for url in ("https://a.test", "https://b.test"):
        with pytest.raises(DisconnectedError) as caught:
            await send(connector, get(url))
        raised.append(caught.value)

    assert [each.origin for each in raised] == ["https://a.test", "https://b.test"]
    assert {(each.sent, each.processed, each.__cause__) for each in raised} == {("yes", "maybe", cause)}
    assert error.origin is None
    assert error.__traceback__ is None


async def test_a_callable_sees_the_whole_request_and_decides() -> None:
    def respond(request: Request[BytesBody]) -> Response[BytesBody]:
        return Response(
            200, body=request.body.content.upper(), headers=[("X-Length", request.headers["content-length"])]
        )

    response = await send(AsyncMemoryConnector([Rule(respond)]), Request("POST", URL, body=b"abc"))

    assert (await response.aread(), response.headers["x-length"]) == (b"ABC", "3")


async def test_a_callable_may_give_an_error_and_its_own_errors_come_out_as_they_are() -> None:
    def give(request: object) -> DisconnectedError:
        return DisconnectedError("cut")

    def fail(request: object) -> Response:
        raise AssertionError("this request was wrong")

    with pytest.raises(DisconnectedError, match="cut"):
        await send(AsyncMemoryConnector([Rule(give)]), get())
    with pytest.raises(AssertionError, match="this request was wrong"):
        await send(AsyncMemoryConnector([Rule(fail)]), get())


async def test_a_response_is_given_anew_each_time() -> None:
    """U-C3: what the caller does to one response does not show in the next."""
    template = Response(200, headers=[("X-A", "1"), ("x-a", "2")], body=[b"ab", b"cd"], trailers=[("X-T", "t")])
    connector = AsyncMemoryConnector([Rule(template)])

    first = await send(connector, get())
    first.headers.remove("x-a")
    with pytest.raises(TrailersUnavailableError):
        _ = first.trailers
    assert await first.aread() == b"abcd"
    first.trailers.add("X-T", "more")
    second = await send(connector, get())

    assert second.headers.items() == [("X-A", "1"), ("x-a", "2")]
    assert [chunk async for chunk in second.body] == [b"ab", b"cd"]
    assert second.trailers.items() == [("X-T", "t")]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_content_is_left_out_where_http_has_none(method: str, status: int) -> None:
    connector = AsyncMemoryConnector([Rule(Response(status, headers=[("Content-Length", "3")], body=b"abc"))])

    response = await send(connector, Request(method, URL))

    assert await response.aread() == b""
    assert response.headers["content-length"] == "3"


async def test_the_version_is_one_that_the_connector_speaks() -> None:
    both = AsyncMemoryConnector([Rule(Response(200))], versions=[HttpVersion.HTTP_1_1, HttpVersion.HTTP_2])
    second = AsyncMemoryConnector([Rule(Response(200))], versions=[HttpVersion.HTTP_2])

    assert (await send(both, get())).http_version is HttpVersion.HTTP_1_1
    assert (await send(second, get())).http_version is HttpVersion.HTTP_2


async def test_interim_responses_go_to_the_hook() -> None:
    """U-M2."""
    seen: list[int] = []
    hook = InformationalHook(lambda response: seen.append(response.status))
    connector = AsyncMemoryConnector([Rule(Response(200), interim=[Response(103), Response(102)])])

    assert (await send(connector, get())).status == 200
    assert (await send(connector, Request("GET", URL, extensions=Extensions([hook])))).status == 200

    assert seen == [103, 102]


# --- failing content ----------------------------------------------------------------------------


async def test_content_can_fail_in_its_middle() -> None:
    """U-C3."""
    body = Pieces(b"ab", IncompleteResponseError("cut", expected=4, received=2))
    connector = AsyncMemoryConnector([Rule(Response(200, body=body))])

    for _ in range(2):
        response = await send(connector, get())
        got = []
        with pytest.raises(IncompleteResponseError, match="cut"):
            async for chunk in response.body:
                got.append(chunk)  # noqa: PERF401 (what came before the error)
        assert got == [b"ab"]
        with pytest.raises(TrailersUnavailableError):
            _ = response.trailers


async def test_content_that_disagrees_with_its_declared_length_is_an_error() -> None:
    def response(length: int) -> Response[BytesBody]:
        return Response(200, headers=[("Content-Length", str(length))], body=b"abc")

    with pytest.raises(IncompleteResponseError) as caught:
        await (await send(AsyncMemoryConnector([Rule(response(5))]), get())).aread()
    with pytest.raises(InvalidResponseError, match="more than the 2 octets"):
        await (await send(AsyncMemoryConnector([Rule(response(2))]), get())).aread()

    assert (caught.value.expected, caught.value.received) == (5, 3)


@pytest.mark.parametrize(
    ("timeouts", "delay", "pieces", "expected"),
    [
        (Timeouts(read=1), 2, (), ReadTimeoutError),
        (Timeouts(total=1), 2, (), TotalTimeoutError),
        (Timeouts(read=3, total=1), 2, (), TotalTimeoutError),
        (Timeouts(read=1, total=3), 2, (), ReadTimeoutError),
        (Timeouts(read=1), 1, (b"a", Pause(2)), ReadTimeoutError),
        (Timeouts(total=3), 1, (b"a", Pause(1), b"b", Pause(2)), TotalTimeoutError),
        (Timeouts(read=2, total=60), 1, (b"a", Pause(2), b"b", Pause(2)), None),
    ],
)
async def test_silence_runs_timeouts_out_at_once(
    timeouts: Timeouts, delay: float, pieces: tuple[bytes | Pause, ...], expected: type[Exception] | None
) -> None:
    """U-D1, in no time."""
    connector = AsyncMemoryConnector([Rule(Response(200, body=Pieces(*pieces)), delay=delay)])

    async with asyncio.timeout(0.5):
        if expected is None:
            assert await (await send(connector, get(), timeouts)).aread() == b"ab"
            return
        with pytest.raises(expected):
            await (await send(connector, get(), timeouts)).aread()


# --- the request --------------------------------------------------------------------------------


async def test_requests_are_recorded_as_they_would_have_been_sent() -> None:
    async def give() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"cd"

    request = Request("POST", URL, headers=[("X-A", "1"), ("x-a", "2")], body=give(), trailers=[("X-T", "t")])
    connector = AsyncMemoryConnector([Rule(Response(200))])
    await send(connector, request)

    (recorded,) = connector.requests
    assert (recorded.method, recorded.target, recorded.complete) == ("POST", "/items?token=SECRET", True)
    assert recorded.headers.items() == [
        ("Host", "a.test"),
        ("X-A", "1"),
        ("x-a", "2"),
        ("Transfer-Encoding", "chunked"),
        ("Trailer", "X-T"),
    ]
    assert (recorded.content, recorded.trailers.items()) == (b"abcd", [("X-T", "t")])
    assert "SECRET" not in repr(recorded)


@pytest.mark.parametrize("chunks", [[b"ab"], [b"ab", b"cde"]], ids=["fewer", "more"])
async def test_a_body_that_disagrees_with_its_length_is_refused_and_closed_once(chunks: list[bytes]) -> None:
    """U-H2, U-H7."""
    closed = 0

    async def give() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            for chunk in chunks:
                yield chunk
        finally:
            closed += 1

    connector = AsyncMemoryConnector([Rule(Response(200))])
    with pytest.raises(ContentLengthError):
        await send(connector, Request("POST", URL, body=AsyncIterableBody(give(), length=4)))

    assert closed == 1
    assert (connector.requests[0].content, connector.requests[0].complete) == (b"ab", False)


async def test_bodies_of_the_wrong_colour_are_refused_in_both_directions() -> None:
    async def give() -> AsyncIterator[bytes]:
        yield b"x"

    def produce() -> Iterator[bytes]:
        yield b"x"

    with pytest.raises(BodyColourError):
        await send(AsyncMemoryConnector([Rule(Response(200))]), Request("POST", URL, body=produce()))
    sync = SyncPipeline(SyncMemoryConnector([Rule(Response(200)), Rule(Response(200, body=give()))]))
    with pytest.raises(BodyColourError):
        sync.send(Request("POST", URL, body=give()))
    assert await (await send(AsyncMemoryConnector([Rule(Response(200, body=produce()))]), get())).aread() == b"x"
    with pytest.raises(BodyColourError):
        SyncPipeline(SyncMemoryConnector([Rule(Response(200, body=give()))])).send(get())


async def test_a_request_that_was_not_completed_is_refused() -> None:
    with pytest.raises(MisuseError, match="was not completed"):
        await AsyncMemoryConnector([Rule(Response(200))]).send(get())


# --- duplex -------------------------------------------------------------------------------------


def test_all_capabilities_are_declared_and_duplex_by_the_asynchronous_one_only() -> None:
    """D7."""
    connector, sync = AsyncMemoryConnector(), SyncMemoryConnector()

    assert (connector.SUPPORTS_DUPLEX_STREAMING, sync.SUPPORTS_DUPLEX_STREAMING) == (True, False)
    assert (supports_duplex(connector), supports_duplex(sync)) == (True, False)
    assert connector.capabilities == {HttpVersion.HTTP_1_1: frozenset(Capability)}
    assert sync.capabilities == {HttpVersion.HTTP_1_1: frozenset(Capability) - {Capability.DUPLEX}}


async def test_an_early_reply_leaves_the_request_body_unread() -> None:
    """D7: it answers without reading the request body."""
    started = False

    async def give() -> AsyncIterator[bytes]:
        nonlocal started
        started = True
        yield b"x"

    request = Request("POST", URL, body=give())
    connector = AsyncMemoryConnector([Rule([Early(Response(417)), Response(200)])])

    async with await send(connector, request) as response:
        assert response.status == 417
    assert (started, connector.requests[0].complete) == (False, False)
    await send(connector, request)

    assert connector.requests[1].content == b"x"


async def test_duplex_code_can_talk_back_and_forth() -> None:
    """U-J1."""
    heard: list[bytes] = []
    closed = 0

    async def talk() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            for number in range(3):
                yield b"%d" % number
                assert heard == [b"%d" % each for each in range(number + 1)]
        finally:
            closed += 1

    connector = AsyncMemoryConnector([Rule(Early(lambda request: Response(200, body=request.body)))])
    response = await send(connector, Request("POST", URL, body=talk()))
    async for chunk in response.body:
        heard.append(chunk)  # noqa: PERF401

    assert heard == [b"0", b"1", b"2"]
    assert closed == 1
    assert (connector.requests[0].content, connector.requests[0].complete) == (b"012", True)


def test_sync_duplex_code_can_talk_back_and_forth() -> None:
    heard: list[bytes] = []

    def talk() -> Iterator[bytes]:
        yield b"0"
        assert heard == [b"0"]
        yield b"1"

    connector = SyncMemoryConnector([Rule(Early(lambda request: Response(200, body=request.body)))])
    for chunk in SyncPipeline(connector).send(Request("POST", URL, body=talk())).body:
        heard.append(chunk)  # noqa: PERF402

    assert heard == [b"0", b"1"]


# --- its life -----------------------------------------------------------------------------------


async def test_a_closed_connector_refuses_and_its_responses_come_to_their_end() -> None:
    """U-F5: as with all connectors."""
    connector = AsyncMemoryConnector([Rule(Response(200, body=[b"a", b"b"]))])
    response = await send(connector, get())
    chunks = aiter(response.body)
    assert await anext(chunks) == b"a"

    await connector.aclose()

    assert [chunk async for chunk in chunks] == [b"b"]
    with pytest.raises(ClosedError):
        await send(connector, get())


def test_the_sync_twin_answers_records_and_closes() -> None:
    with SyncMemoryConnector([Rule(Response(200, body=Pieces(b"a", Pause(9), b"b")), times=1)]) as connector:
        response = SyncPipeline(connector).send(Request("POST", URL, body=IterableBody([b"x", b"y"], length=2)))
        assert response.read() == b"ab"
        assert connector.requests[0].content == b"xy"
        connector.assert_all_used()
        with pytest.raises(UnmatchedRequestError):
            SyncPipeline(connector).send(get())

    with pytest.raises(ClosedError):
        SyncPipeline(connector).send(get())


async def test_rules_that_were_not_used_can_be_asserted() -> None:
    connector = AsyncMemoryConnector(
        [
            Rule(Response(200), method="GET", path="/a", times=2),
            Rule([Response(200), Response(200)], method="PUT"),
            Rule(Response(200), method="DELETE"),
        ]
    )
    await send(connector, get("https://a.test/a"))

    with pytest.raises(UnusedRuleError) as caught:
        connector.assert_all_used()

    assert isinstance(caught.value, AssertionError)
    assert caught.value.rules == [
        "1. GET /a: used 1 of 2 times",
        "2. PUT anywhere: used 0 of 2 times",
        "3. DELETE anywhere: used 0 of any number of times",
    ]


async def test_no_socket_is_opened() -> None:
    """U-C2: not by an answer, and not by a request that nothing answers."""
    opened: list[str] = []
    watching = True
    sys.addaudithook(lambda event, _: opened.append(event) if watching and event.startswith("socket.") else None)

    connector = AsyncMemoryConnector([Rule(Response(200, body=b"x"), method="GET")])
    await (await send(connector, get("http://127.0.0.1:9/"))).aread()
    with pytest.raises(UnmatchedRequestError):
        await send(connector, Request("PUT", "http://127.0.0.1:9/"))
    watching = False

    assert opened == []
