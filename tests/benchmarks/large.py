"""Throughput of one large transfer, and by how much it makes memory grow, beside the bare client's.

Each transfer has a process of its own, and so has the server.  Memory is that at the peak, above what 16 MiB of
content had taken before.  Over HTTP/2 the server, which is written in Python, sets the pace.
"""

from __future__ import annotations

from statistics import median
from typing import Final

from tests.benchmarks.harness import LeftOut, Row, Rows
from tests.benchmarks.large_server import large_server
from tests.benchmarks.large_transfer import Transfer, transfer

_MIB: Final = 1024 * 1024
_AMOUNTS: Final = {"h1": 1024 * _MIB, "h2": 64 * _MIB}
_ROUNDS: Final = 3
_SENDERS: Final = (
    "h11/async/h1",
    "h11/sync/h1",
    "httpx/async/h1",
    "httpx/sync/h1",
    "httpx2/async/h1",
    "httpx2/sync/h1",
    "aiohttp/async/h1",
    "crt/async/h1",
    "crt/sync/h1",
    "httpx/async/h2",
    "httpx2/async/h2",
    "crt/async/h2",
)
_WITHOUT_A_CLIENT: Final = ("h11/async/h1", "h11/sync/h1", "crt/sync/h1")


def rows(seconds: float) -> Rows:
    """Up and down, through each connector and its client in turns."""
    del seconds
    for version, words in (("h1", ()), ("h2", ("tls", "http2"))):
        with large_server(*words) as (url, ca_file):
            for sender in (sender for sender in _SENDERS if sender.endswith(version)):
                for direction in ("up", "down"):
                    try:
                        yield _row(sender, direction, _AMOUNTS[version], url, ca_file)
                    except ImportError as error:
                        yield LeftOut(f"{sender}, {direction}", str(error))


def _row(sender: str, direction: str, octets: int, url: str, ca_file: str) -> Row:
    who = ["ours"] if sender in _WITHOUT_A_CLIENT else ["ours", "bare"]
    found: dict[str, list[Transfer]] = {whose: [] for whose in who}
    for _ in range(_ROUNDS if octets > 64 * _MIB else 1):
        for whose in who:
            found[whose].append(transfer(f"{whose}/{sender}", direction, octets, url, ca_file))
    rates = {whose: [octets / one.seconds for one in all_of] for whose, all_of in found.items()}
    shown = {whose: _show(rates[whose], found[whose]) for whose in who}
    what = f"{sender}, {octets // _MIB} MiB {direction}"
    if "bare" not in found:
        return Row(what, shown["ours"])
    ratio = median(rates["ours"]) / median(rates["bare"])
    return Row(what, shown["ours"], shown["bare"], ratio, max(rates["ours"]) / max(rates["bare"]))


def _show(rates: list[float], transfers: list[Transfer]) -> str:
    growth = max(one.growth for one in transfers)
    return f"{median(rates) / _MIB:.0f} MiB/s, +{growth / _MIB:.1f} MiB"
