"""What the client has read beyond the end of a response, which it would take for the next one (RFC 9112 §9.2).

Asked for more content, an HTTP/1.1 stream of the client ends at once if something is left of what it has
read, and wants to read from the network if not.  It is asked with a limit of time that cannot be used, so it
fails right there and reads nothing; in failing, it closes the response as it should be closed.
"""

from __future__ import annotations

from typing import Final, cast

import httpx

from stablehttp_httpx._loans import aclose_stream, close_stream


class LeftoverError(Exception):
    """Octets follow a response that nobody asked for: the connection is not to be used again."""


class _NothingLeftError(TypeError):
    """The client wants to read from the network, so nothing of what it has read is left."""


class _Tripwire:
    """A limit of time that cannot be used: added to the time that it is, or given to a socket."""

    def __radd__(self, now: float) -> float:
        raise _NothingLeftError

    def __index__(self) -> int:
        raise _NothingLeftError


_TRIPWIRE: Final = cast(float, _Tripwire())


async def aclose_without_leftover(
    stream: httpx.AsyncByteStream, network: object, timeouts: dict[str, float | None]
) -> LeftoverError | None:
    """Close the stream of a response that has ended; with something left, close its connection too, and say so."""
    timeouts["read"] = _TRIPWIRE
    try:
        await anext(aiter(stream))
    except StopAsyncIteration:
        await aclose_stream(network)
        await stream.aclose()
        return LeftoverError()
    except _NothingLeftError:
        await stream.aclose()
    return None


def close_without_leftover(
    stream: httpx.SyncByteStream, network: object, timeouts: dict[str, float | None]
) -> LeftoverError | None:
    """Close the stream of a response that has ended; with something left, close its connection too, and say so."""
    timeouts["read"] = _TRIPWIRE
    try:
        next(iter(stream))
    except StopIteration:
        close_stream(network)
        stream.close()
        return LeftoverError()
    except _NothingLeftError:
        stream.close()
    return None
