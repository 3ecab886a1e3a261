"""Threads that are lent, event loops, forks, and the end of the interpreter."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest
from awscrt.io import ClientBootstrap, DefaultHostResolver, EventLoopGroup

from stablehttp import AsyncPipeline, ForeignLoopError, MisuseError, Request, SyncPipeline
from stablehttp.testing import Answer, Origin
from stablehttp_crt import AsyncCrtConnector, SyncCrtConnector
from stablehttp_crt import _lane as lanes


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin(Answer.echo()) as started:
        yield started


@pytest.fixture
def bootstrap() -> ClientBootstrap:
    group = EventLoopGroup(1)
    return ClientBootstrap(group, DefaultHostResolver(group))


async def test_a_lent_bootstrap_is_used_and_stays_usable(origin: Origin, bootstrap: ClientBootstrap) -> None:
    """U-D5."""
    for _ in range(2):
        async with AsyncCrtConnector(bootstrap) as connector:
            for body in (b"memory", None):
                await (await AsyncPipeline(connector).send(Request("PUT", origin.url, body=body))).aread()
    with SyncCrtConnector(bootstrap) as connector:
        content = await asyncio.to_thread(
            lambda: SyncPipeline(connector).send(Request("PUT", origin.url, body=iter([b"stre", b"amed"]))).read()
        )

    assert content == b"streamed"
    assert not bootstrap.shutdown_event.is_set()  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [AsyncCrtConnector, SyncCrtConnector], ids=["async", "sync"])
def test_another_object_is_refused_by_name(kind: type[AsyncCrtConnector | SyncCrtConnector]) -> None:
    """U-A4."""
    group: object = EventLoopGroup(1)

    with pytest.raises(MisuseError, match=r"awscrt\.io\.EventLoopGroup.*needs an awscrt\.io\.ClientBootstrap"):
        kind(group)  # type: ignore[arg-type]


def test_a_connector_works_in_three_loops_one_after_the_other(origin: Origin) -> None:
    """U-F2."""
    connector = AsyncCrtConnector()

    async def exchange() -> bytes:
        return await (await AsyncPipeline(connector).send(Request("PUT", origin.url, body=b"x"))).aread()

    contents = [asyncio.run(exchange()) for _ in range(3)]
    origin.watch(lambda: origin.open_connections == 0)

    assert contents == [b"x"] * 3


def test_after_a_fork_nothing_is_begun(monkeypatch: pytest.MonkeyPatch, bootstrap: ClientBootstrap) -> None:
    """U-F2: the threads of the CRT stayed in the other process."""
    mine, lent = SyncCrtConnector(), SyncCrtConnector(bootstrap)
    monkeypatch.setattr("os.getpid", lambda: -1)
    monkeypatch.setattr(lanes, "_homes", {1})

    for connector in (mine, lent):
        with pytest.raises(ForeignLoopError, match="before this process was forked") as caught:
            SyncPipeline(connector).send(Request("GET", "http://127.0.0.1:9"))
        assert caught.value.sent == "no"


def run(code: str) -> subprocess.CompletedProcess[str]:
    """What an interpreter of its own does with `code`."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_real_fork_refuses_and_ends(origin: Origin) -> None:
    """U-F2."""
    done = run(
        f"""
        import os, sys
        from stablehttp import Request, SyncPipeline, StableHTTPError
        from stablehttp_crt import SyncCrtConnector
        connector = SyncCrtConnector()
        def exchange():
            return SyncPipeline(connector).send(Request("PUT", "{origin.url}", body=b"x")).read()
        exchange()
        if os.fork() == 0:
            try:
                exchange()
            except StableHTTPError as error:
                print(type(error).__name__)
            sys.exit()
        os.wait()
        print(exchange())
        """
    )

    assert done.stdout.split() == ["ForeignLoopError", "b'x'"], done.stderr


def test_the_interpreter_ends_while_something_is_going_on(origin: Origin) -> None:
    """No thread of ours keeps it."""
    done = run(
        f"""
        import threading, time
        from stablehttp import Request, SyncPipeline
        from stablehttp_crt import SyncCrtConnector
        pipeline = SyncPipeline(SyncCrtConnector())
        def body():
            yield b"first"
            time.sleep(60)
        request = Request("PUT", "{origin.url}", body=body())
        threading.Thread(target=pipeline.send, args=[request], daemon=True).start()
        time.sleep(0.3)
        print("end")
        """
    )

    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr
