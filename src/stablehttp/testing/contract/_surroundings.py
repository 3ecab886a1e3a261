"""Rules about what is around a connector: other event loops, the environment, clients that are lent.

Stands on the bench.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from unittest.mock import patch

from stablehttp._errors import ClosedError, ForeignLoopError
from stablehttp._message import Request
from stablehttp.testing._origin_script import Answer
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._driver import in_thread
from stablehttp.testing.contract._rule import HTTP_1, Rule, fails, require, same


async def works_or_says_so_on_another_loop(bench: Bench) -> None:
    await bench.exchange(Request("GET", bench.url()))
    before = bench.octets

    def elsewhere() -> str:
        async def again() -> str:
            try:
                async with asyncio.timeout(5):
                    await bench.exchange(Request("GET", bench.url()))
            except ForeignLoopError as error:
                same((error.sent, error.processed), ("no", "no"), "sent and processed")
                return "refused"
            return "works"

        return asyncio.run(again())

    if await in_thread(elsewhere) == "refused":
        same(bench.octets, before, "octets that arrived of the refused request")
    await bench.exchange(Request("GET", bench.url()))


async def ignores_the_environment(bench: Bench) -> None:
    trap = await bench.open_origin(plain=True)
    with TemporaryDirectory() as folder:
        netrc = Path(folder) / "netrc"
        netrc.write_text("machine 127.0.0.1 login user password secret\n")
        netrc.chmod(0o600)
        names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        with _environment({**dict.fromkeys(names, trap.url), "NETRC": str(netrc), "HOME": folder}):
            (Path(folder) / ".netrc").write_text(netrc.read_text())
            driver = bench.connect(bench.settings)
            reply = await driver.send(Request("GET", bench.url()))
            await reply.read()
    received = await bench.origin.atake()
    same(received.values("authorization"), (), "Authorization")
    same((trap.count, len(trap.connections)), (0, 0), "requests and connections at the proxy of the environment")


@contextmanager
def _environment(values: Mapping[str, str]) -> Generator[None, None, None]:
    with patch.dict(os.environ, values):
        for name in ("no_proxy", "NO_PROXY"):
            os.environ.pop(name, None)
        yield


async def leaves_what_was_lent_unharmed(bench: Bench) -> None:
    loan, driver = await bench.borrow()
    bench.origin.answer(Answer(302, fields=[("Location", "/elsewhere"), ("Set-Cookie", "lent=1; Path=/")]))
    for method in ("GET", "POST"):
        received = await bench.deliver(Request(method, bench.url("/ours?a=1"), headers=[("X-A", "1")]), driver)
        same(received.values("x-lent"), (), "a default of the client in our request")
    await driver.close()
    before = bench.octets
    with fails(ClosedError):
        await driver.send(Request("GET", bench.url()))
    same(bench.octets, before, "octets that arrived after the connector was closed")
    bench.origin.answer(Answer())
    same(await loan.get(bench.url("/theirs")), 200, "status that the client itself gets after that")
    received = bench.origin.requests[-1]
    same((received.target, received.values("cookie")), (b"/theirs", ()), "target and cookies of the client itself")
    require(received.values("x-lent"), "the client still adds what it added before")


RULES: Final = (
    Rule("another event loop works or is refused", works_or_says_so_on_another_loop, "U-F2", colour="async"),
    Rule("the environment is ignored", ignores_the_environment, "U-D4"),
    Rule("what was lent is left unharmed", leaves_what_was_lent_unharmed, "U-D5 U-B9", versions=HTTP_1, lent=True),
)
