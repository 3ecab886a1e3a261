"""Reading responses: in chunks, as text, as lines, as JSON; and responses that nobody reads."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablehttp import (
    AsyncBody,
    ConnectRefusedError,
    ContentDecodingError,
    ContentTooLargeError,
    Fields,
    InvalidResponseError,
    Progress,
    Response,
    StableHTTPError,
    adecoded,
)
from stablehttp.adapting import AsyncReceivedBody, SyncReceivedBody


class Source:
    """Content that arrives, of both colours; notes how often it was closed."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)
        self.closed = 0

    def take(self) -> bytes:
        return self.parts.pop(0) if self.parts else b""

    def trailers(self) -> Fields | None:
        return Fields([("T", "1")])


class AsyncSource(Source):
    async def read(self) -> bytes:
        return self.take()

    async def aclose(self) -> None:
        self.closed += 1


class SyncSource(Source):
    def read(self) -> bytes:
        return self.take()

    def close(self) -> None:
        self.closed += 1


async def stream(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


pieces = st.lists(st.binary(max_size=12), max_size=12)


# --- chunks ---------------------------------------------------------------------------------------


@given(pieces, st.integers(1, 9))
def test_chunks_of_a_size_are_of_that_size_and_only_the_last_is_shorter(parts: list[bytes], size: int) -> None:
    content = b"".join(parts)

    found = list(Response(200, body=parts).chunks(size))

    assert found == [content[start : start + size] for start in range(0, len(content), size)]


async def test_chunks_can_be_had_in_both_colours_and_again_from_content_that_was_kept() -> None:
    response = Response(200, body=stream(b"abc", b"d"))
    await response.aread()

    assert [chunk async for chunk in response.achunks(3)] == [b"abc", b"d"]
    assert [chunk async for chunk in response.achunks(3)] == [b"abc", b"d"]
    with pytest.raises(ValueError, match="positive"):
        response.achunks(0)


# --- text and JSON --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "content", "text"),
    [
        (None, "é".encode(), "é"),
        ("text/plain", "é".encode(), "é"),
        ("text/plain; charset=ISO-8859-1", b"\xe9", "é"),
        ('text/plain; charset="utf-16-le"', "é".encode("utf-16-le"), "é"),
    ],
    ids=["no type", "no charset", "latin-1", "quoted"],
)
async def test_text_is_in_the_charset_of_the_content_type_else_in_utf_8(
    content_type: str | None, content: bytes, text: str
) -> None:
    headers = [("Content-Type", content_type)] if content_type else []

    assert Response(200, headers=headers, body=content).text() == text
    assert await Response(200, headers=headers, body=stream(content)).atext() == text
    assert Response(200, headers=headers, body="ß".encode("cp1252")).text(charset="cp1252") == "ß"


@pytest.mark.parametrize(
    ("headers", "content", "match"),
    [
        ([], b"a\xe9", "no text in 'utf-8'"),
        ([("Content-Type", "text/plain; charset=nonsense")], b"", "no charset 'nonsense'"),
        ([("Content-Type", "text/plain; charset=rot13")], b"", "no charset"),
        ([("Content-Type", "text")], b"", "no one media type"),
        ([("Content-Type", "text/a"), ("Content-Type", "text/b")], b"", "no one media type"),
        ([("Content-Encoding", "gzip")], b"", "the content is coded"),
    ],
    ids=["octets", "charset", "no text encoding", "no media type", "two media types", "coded"],
)
def test_content_that_is_no_text_is_a_named_error_that_shows_none_of_it(
    headers: list[tuple[str, str]], content: bytes, match: str
) -> None:
    for read in (lambda r: r.text(), lambda r: list(r.lines())):
        with pytest.raises(ContentDecodingError, match=match) as caught:
            read(Response(200, headers=headers, body=content))
        assert isinstance(caught.value, ValueError)
        assert (caught.value.sent, caught.value.processed) == ("yes", "yes")


async def test_json_is_utf_8_and_strict() -> None:
    assert Response(200, body=b'{"a": [1, "\xc3\xa9"]}').json() == {"a": [1, "é"]}
    assert await Response(200, body=stream(b"[1", b"]")).ajson() == [1]
    for content in (b"", b"{", b"NaN", b'"\xe9"', "1".encode("utf-16"), b"[" * 100_000):
        with pytest.raises(ContentDecodingError, match="not JSON"):
            Response(200, body=content).json()
    with pytest.raises(ContentTooLargeError):
        Response(200, body=b"[1]").json(limit=2)


# --- lines ----------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\r\n", "é\u2028".encode(), b"b\n"]), max_size=30), st.data())
def test_lines_end_with_lf_or_crlf_wherever_the_chunks_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    content = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=5)))
    chunks = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]

    found = list(Response(200, body=chunks).lines())

    expected = content.decode().split("\n")
    last = expected.pop()
    assert found == [line.removesuffix("\r") for line in expected] + ([last] if last else [])


async def test_lines_arrive_before_the_content_has_ended() -> None:
    gate = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"one\ntw"
        await gate.wait()
        yield b"o"

    lines = Response(200, body=slow()).alines()

    assert await anext(lines) == "one"
    gate.set()
    assert [line async for line in lines] == ["two"]


def test_a_line_without_end_is_an_error_and_not_a_heap_of_memory() -> None:
    with pytest.raises(ContentTooLargeError, match="more than 5 characters"):
        list(Response(200, body=[b"abc", b"def"]).lines(limit=5))


# --- responses that nobody reads ------------------------------------------------------------------


async def test_a_response_that_is_dropped_unread_warns_once_and_names_method_and_authority() -> None:
    """U-F4: and no task is scheduled for it."""
    for make in (lambda: AsyncReceivedBody(AsyncSource(b"a")), lambda: SyncReceivedBody(SyncSource(b"a"))):
        made = make()
        made.answers("GET", "https://a.test")
        response = Response(200, body=made)
        tasks = asyncio.all_tasks()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del response, made
            gc.collect()

        assert [(w.category, "a response to GET https://a.test was dropped" in str(w.message)) for w in caught] == [
            (ResourceWarning, True)
        ]
        assert asyncio.all_tasks() == tasks


async def test_a_response_that_was_read_or_closed_does_not_warn() -> None:
    body = AsyncReceivedBody(AsyncSource(b"a"))
    body.answers("GET", "https://a.test")
    async with Response(200, body=body) as response:
        pass
    read = Response(200, body=AsyncReceivedBody(AsyncSource(b"a")))
    read.body.answers("GET", "https://a.test")
    await read.aread()
    other = SyncReceivedBody(SyncSource(b"a"))
    other.answers("GET", "https://a.test")
    with Response(200, body=other) as closed:
        pass

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del response, read, closed, body, other
        gc.collect()

    assert caught == []


async def test_a_reading_that_is_dropped_half_way_leaves_no_task_behind() -> None:
    """U-F4: an asynchronous generator would be closed by a task that nobody awaits."""
    source = AsyncSource(b"a", b"b")
    body = AsyncReceivedBody(source)
    async for _ in body:
        break
    gc.collect()
    await asyncio.sleep(0)

    assert source.closed == 0
    await body.aclose()
    await body.aclose()
    assert source.closed == 1


async def test_content_that_fails_is_closed_once_and_stays_an_error() -> None:
    class Broken(AsyncSource):
        async def read(self) -> bytes:
            raise InvalidResponseError("garbage")

    source = Broken()
    body = AsyncReceivedBody(source)
    body.answers("GET", "https://a.test")

    with pytest.raises(InvalidResponseError) as caught:
        await Response(200, body=body).aread()

    assert (caught.value.method, caught.value.origin) == ("GET", "https://a.test")
    assert source.closed == 1


async def drain(lines: AsyncIterator[object]) -> None:
    async for _ in lines:
        pass


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda r: r.atext(), id="as text"),
        pytest.param(lambda r: r.ajson(), id="as JSON"),
        pytest.param(lambda r: drain(r.alines()), id="as lines"),
        pytest.param(lambda r: drain(r.alines(limit=1)), id="as lines that are too long"),
        pytest.param(lambda r: r.aread(limit=1), id="as more than the limit"),
        pytest.param(lambda r: r.awrite_to(Full()), id="to a sink that is full"),
        pytest.param(lambda r: adecoded(coded(r)).aread(), id="decoded"),
    ],
)
async def test_whatever_way_a_response_is_read_its_errors_carry_its_head(
    read: Callable[[Response[AsyncBody]], Awaitable[object]],
) -> None:
    body = AsyncReceivedBody(AsyncSource(b"\xff", b"\xff"))
    response = Response(200, headers=[("X-Request-Id", "a1")], body=body)
    body.answers("GET", "https://a.test")

    with pytest.raises(StableHTTPError) as caught:
        async with response:
            await read(response)

    error = caught.value
    assert error.head is not None
    assert error.head.values("x-request-id") == ["a1"]
    assert (error.method, error.origin, error.status) == ("GET", "https://a.test", 200)
    assert (error.sent, error.processed) == ("yes", "yes")


class Full:
    def write(self, octets: bytes) -> int:
        raise OSError(28, "no space left on device")


def coded(response: Response[AsyncBody]) -> Response[AsyncBody]:
    response.headers.set("Content-Encoding", "gzip")
    return response


async def test_an_error_about_another_request_is_left_as_it_is() -> None:
    def forward(octets: bytes) -> int:
        raise ConnectRefusedError("nobody listens").about("POST", "https://b.test")

    body = AsyncReceivedBody(AsyncSource(b"a"))
    response = Response(200, body=body)
    body.answers("GET", "https://a.test")

    with pytest.raises(ConnectRefusedError) as caught:
        await response.awrite_to(forward)

    assert (caught.value.origin, caught.value.head, caught.value.sent) == ("https://b.test", None, "no")


# --- progress -------------------------------------------------------------------------------------


async def test_a_watched_response_says_how_much_has_arrived() -> None:
    seen: list[Progress] = []
    received = Response(200, body=AsyncReceivedBody(AsyncSource(b"ab", b"c"), length=3))
    received.watch(seen.append)

    assert await received.aread() == b"abc"
    assert received.trailers["T"] == "1"
    built = Response(200, body=b"abc")
    built.watch(seen.append)
    built.read()

    assert seen == [Progress("received", 2, 3), Progress("received", 3, 3), Progress("received", 3, 3)]
