"""Responses that come while the caller's body is still waited for, over HTTP/1.1 without TLS.

The client reads nothing before it has sent everything.  But it takes a failure to write for a server that
answered early, stops sending, and reads the answer: that failure is raised here for it.  What the peer sent is
looked at and left where it is, so this goes where octets can be read from the socket: not through TLS, whose
records say nothing from outside, and not over HTTP/2, whose frames may be somebody else's.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable
from typing import Final, TypeVar, cast, final

import httpcore

from stablehttp_httpx2._progress import NetworkStream, Progress

T = TypeVar("T")

_PAUSE: Final = 0.02
_MOST: Final = 64 * 1024
_INFORMATIONAL = re.compile(rb"HTTP/1\.[01] 1[0-9][0-9][^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n").match
_FINAL = re.compile(rb"HTTP/1\.[01] [2-9]").match


@final
class Early:
    """Waits for a body, and looks now and then whether the response has come before it."""

    __slots__ = ("_loop", "_progress")

    def __init__(self, loop: asyncio.AbstractEventLoop, progress: Progress) -> None:
        self._loop = loop
        self._progress = progress

    async def wait(self, work: Awaitable[T]) -> T:
        """What `work` gives.

        Raises:
            WriteError: the response has come, or the connection ended; `work` was cancelled.
        """
        stream = self._progress.stream
        if stream is None:
            return await work
        timer = None

        def look() -> None:
            nonlocal timer
            if _has_answered(stream):
                limit.reschedule(self._loop.time())
            else:
                timer = self._loop.call_later(_PAUSE, look)

        try:
            async with asyncio.timeout(None) as limit:
                timer = self._loop.call_later(_PAUSE, look)
                return await work
        except TimeoutError:
            if not limit.expired():
                raise
            raise httpcore.WriteError("the response came before the content was sent") from None
        finally:
            if timer is not None:
                timer.cancel()


def _has_answered(stream: NetworkStream) -> bool:
    """Whether a final response begins in what has come, or nothing more can come."""
    if not stream.get_extra_info("is_readable"):
        return False
    raw = cast(socket.socket, stream.get_extra_info("socket"))
    try:
        with socket.fromfd(raw.fileno(), socket.AF_INET, socket.SOCK_STREAM) as twin:
            octets = twin.recv(_MOST, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    while found := _INFORMATIONAL(octets):
        octets = octets[found.end() :]
        if not octets:
            return False
    return not octets or _FINAL(octets) is not None
