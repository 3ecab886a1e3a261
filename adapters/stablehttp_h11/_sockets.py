"""Small things about sockets, for both colours."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeAlias

Address: TypeAlias = "tuple[int, int, int, tuple[str | int | bytes, ...]]"
"""Family, kind, protocol, and where."""


class HasFileno(Protocol):
    """A socket, or what a transport shows of one."""

    def fileno(self) -> int:
        """The number of its descriptor."""
        ...


def readable_check(sock: HasFileno) -> Callable[[], bool]:
    """What `is_readable` does, prepared for one socket that is open."""
    if not hasattr(select, "poll"):
        return partial(is_readable, sock)
    poller = select.poll()
    poller.register(sock.fileno(), select.POLLIN)
    poll = poller.poll
    return lambda: bool(poll(0))


def is_readable(sock: HasFileno | None) -> bool:
    """Whether reading would give something at once, be it octets, the end or an error; True if it is closed."""
    if sock is None or sock.fileno() < 0:
        return True
    return wait_for(sock, read=True, write=False, seconds=0)[0]


def wait_for(sock: HasFileno, *, read: bool, write: bool, seconds: float | None) -> tuple[bool, bool]:
    """Wait until `sock` can be read or written, or has failed, which counts as both; which of the two it is."""
    if not hasattr(select, "poll"):
        found = select.select([sock] if read else [], [sock] if write else [], [sock], seconds)
        return bool(found[0] or found[2]), bool(found[1] or found[2])
    poller = select.poll()
    poller.register(sock.fileno(), read * select.POLLIN | write * select.POLLOUT)
    for _, event in poller.poll(None if seconds is None else seconds * 1000):
        failed = event & ~(select.POLLIN | select.POLLOUT)
        return bool(read and event & (select.POLLIN | failed)), bool(write and event & (select.POLLOUT | failed))
    return False, False


def describe_peer(address: Sequence[object] | None) -> str | None:
    """Host and port of the other side, as they stand in a URI."""
    if address is None or len(address) < 2:
        return None
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def numeric_addresses(host: str, port: int) -> list[Address] | None:
    """The address that `host` is, without asking anybody; None if it is a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, (host, port))]
    return None


def ask_resolver(host: str, port: int) -> list[Address]:
    """The addresses of `host`, best first; blocks.

    The name is given as octets: it is ASCII already, and Python would refuse an empty or long label in
    ways of its own.

    Raises:
        socket.gaierror: the name does not resolve.
    """
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return [(family, kind, protocol, where) for family, kind, protocol, _, where in found]
