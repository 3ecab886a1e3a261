"""Small things about sockets, for both colours."""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence
from typing import Protocol, TypeAlias

Address: TypeAlias = "tuple[int, int, int, tuple[str | int | bytes, ...]]"
"""Family, kind, protocol, and where."""


class HasFileno(Protocol):
    """A socket, or what a transport shows of one."""

    def fileno(self) -> int:
        """The number of its descriptor."""
        ...


def is_readable(sock: HasFileno | None) -> bool:
    """Whether reading would give something at once, be it octets, the end or an error; True if it is closed."""
    number = -1 if sock is None else sock.fileno()
    if number < 0:
        return True
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(number, select.POLLIN)
        return bool(poller.poll(0))
    return bool(select.select([number], [], [], 0)[0])


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
