"""Messages that are sent as a stream, as the content of a request.

Floor 14: stands on bodies.

What can be iterated again can be sent again.  An iterator of the caller that was begun is ended with the
sending, however that ends.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import TypeAlias, TypeVar

from stablehttp._body import AsyncBody, AsyncIterableBody, IterableBody, SyncBody
from stablehttp._errors import BodyColourError, InvalidBodyError
from stablehttp._streams import aend, end

In = TypeVar("In")

Messages: TypeAlias = AsyncIterable[In] | Iterable[In]
Envelope: TypeAlias = Callable[[In], bytes]


def sync_messages(messages: Iterable[In], envelope: Envelope[In]) -> SyncBody:
    """Content that is `messages`, each in its envelope.

    Raises:
        InvalidBodyError: `messages` is not a series of messages, or an asynchronous one.
    """
    if isinstance(messages, AsyncIterable) and not isinstance(messages, Iterable):
        raise BodyColourError(
            "messages is asynchronous, and this client blocks; give an iterable, or use AsyncConnectClient",
            where="messages",
        )
    _check_series(messages)
    if isinstance(messages, Iterator):
        return IterableBody(_enveloped(messages, envelope))
    return IterableBody.from_factory(lambda: _enveloped(messages, envelope))


def async_messages(messages: Messages[In], envelope: Envelope[In]) -> AsyncBody:
    """Content that is `messages`, each in its envelope.

    Raises:
        InvalidBodyError: `messages` is not a series of messages.
    """
    if isinstance(messages, AsyncIterable):
        source = messages
        if isinstance(source, AsyncIterator):
            return AsyncIterableBody(_aenveloped(source, envelope))
        return AsyncIterableBody.from_factory(lambda: _aenveloped(source, envelope))
    _check_series(messages)
    several = messages
    if isinstance(several, Iterator):
        return AsyncIterableBody(_lifted(several, envelope))
    return AsyncIterableBody.from_factory(lambda: _lifted(several, envelope))


def _check_series(messages: object) -> None:
    given = type(messages).__name__
    if isinstance(messages, (str, bytes, bytearray, memoryview, dict)) or not isinstance(messages, Iterable):
        raise InvalidBodyError(
            f"messages must be an iterable of messages, not {given}; for one message give [message]", where="messages"
        )


def _enveloped(messages: Iterable[In], envelope: Envelope[In]) -> Iterator[bytes]:
    running = iter(messages)
    try:
        for message in running:
            yield envelope(message)
    finally:
        end(running)


async def _aenveloped(messages: AsyncIterable[In], envelope: Envelope[In]) -> AsyncIterator[bytes]:
    running = aiter(messages)
    try:
        async for message in running:
            yield envelope(message)
    finally:
        await aend(running)


async def _lifted(messages: Iterable[In], envelope: Envelope[In]) -> AsyncIterator[bytes]:
    running = iter(messages)
    try:
        for message in running:
            yield envelope(message)
    finally:
        end(running)
