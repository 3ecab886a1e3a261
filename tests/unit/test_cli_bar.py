"""The bar of `stablehttp send`: on a terminal, for files, and nowhere else."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stablehttp import Progress
from stablehttp._cli._bar import Bar, amount, line
from stablehttp.testing import Answer, Origin

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals")

DOWN = 400_000
UP = 300_000


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin(Answer(200, b"x" * DOWN, piece=DOWN // 4, pause=0.12)) as started:
        yield started


def on_a_terminal(*arguments: str) -> tuple[bytes, str]:
    """What the command prints on standard output, which is a file, and on the terminal that standard error is."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "stablehttp", "send", *arguments]
    with tempfile.TemporaryFile() as output:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=theirs) as process:
            os.close(theirs)
            shown = b"".join(iter(lambda: _read(ours), b""))
        os.close(ours)
        output.seek(0)
        printed = output.read()
    assert process.returncode == 0, shown
    return printed, shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError as error:  # Linux says so when nobody has the other side any more
        if error.errno == errno.EIO:
            return b""
        raise


@pytest.mark.parametrize("via", ["h11", "aiohttp", "httpx", "crt"])
def test_a_bar_shows_how_far_both_files_have_come(origin: Origin, tmp_path: Path, via: str) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(b"y" * UP)

    printed, shown = on_a_terminal("PUT", origin.url, "-d", f"@{source}", "-o", str(target), "--via", via)

    steps = re.findall(r"\r\[#* *\] +(\d+)% of ([\d.]+ KiB) (sent|received)", shown)
    sent = [int(share) for share, total, direction in steps if (direction, total) == ("sent", "293.0 KiB")]
    received = [int(share) for share, total, direction in steps if (direction, total) == ("received", "390.6 KiB")]
    assert (sent[-1], received[-1]) == (100, 100)
    assert received == sorted(received)
    assert len(received) >= 3, "it was drawn while content arrived"
    assert "HTTP/1.1 200" in shown
    assert (printed, target.read_bytes()) == (b"", b"x" * DOWN)
    assert origin.take().content == source.read_bytes()


@pytest.mark.parametrize("plain", [True, False], ids=["with --plain", "without a file"])
def test_there_is_no_bar_if_it_is_not_wanted_or_there_is_no_file(origin: Origin, tmp_path: Path, plain: bool) -> None:
    files = ["-o", str(tmp_path / "out"), "--plain"] if plain else ["-d", "text"]

    printed, shown = on_a_terminal("PUT", origin.url, *files)

    assert "%" not in shown
    assert len(shown.splitlines()) == 1, "the status, and nothing else"
    assert printed == (b"" if plain else b"x" * DOWN)


def test_there_is_no_bar_in_a_pipe(origin: Origin, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stablehttp", "send", "GET", origin.url, "-o", str(tmp_path / "out")]

    done = subprocess.run(command, capture_output=True, check=True)

    assert done.stderr.splitlines() == [b"HTTP/1.1 200 OK"]


def test_an_error_is_printed_and_leaves_the_file_as_it_was(origin: Origin, tmp_path: Path) -> None:
    """S13."""
    target = tmp_path / "out"
    target.write_bytes(b"old")
    origin.answer(Answer(404, b"no such thing"))
    command = [sys.executable, "-m", "stablehttp", "send", "GET", origin.url, "-o", str(target)]

    done = subprocess.run(command, capture_output=True, check=False)

    assert (done.returncode, done.stdout, target.read_bytes()) == (22, b"no such thing", b"old")


def test_a_file_that_cannot_be_written_is_one_clear_line(origin: Origin, tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "out"
    command = [sys.executable, "-m", "stablehttp", "send", "GET", origin.url, "-o", str(target)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"stablehttp: cannot write '{target}': No such file or directory"


def test_standard_input_is_sent_as_it_comes(origin: Origin) -> None:
    command = [sys.executable, "-m", "stablehttp", "send", "PUT", origin.url, "-d", "@-", "--via", "aiohttp"]

    done = subprocess.run(command, input=b"from a pipe", capture_output=True, check=True)

    arrived = origin.take()
    assert (len(done.stdout), arrived.content) == (DOWN, b"from a pipe")
    assert arrived.values("transfer-encoding") == (b"chunked",)


# --- how it looks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 20, 30, 80, 300])
@pytest.mark.parametrize("total", [None, 0, 7, 10**15])
def test_a_line_fits_its_terminal(width: int, total: int | None) -> None:
    for octets in (0, 3, 7, 10**15):
        assert len(line(Progress("received", octets, total), width)) <= max(width - 1, 0)


def test_amounts_have_the_unit_that_suits_them() -> None:
    assert [amount(octets) for octets in (0, 1023, 1024, 5 << 20, 3 << 40, 5000 << 40)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "5.0 MiB",
        "3.0 TiB",
        "5000.0 TiB",
    ]


def test_a_length_that_nobody_knows_is_no_share() -> None:
    assert line(Progress("sent", 2048, None), 80) == "sent 2.0 KiB"


def test_a_bar_that_was_told_nothing_draws_nothing(tmp_path: Path) -> None:
    with (tmp_path / "terminal").open("w+") as terminal:
        bar = Bar(terminal, "sent")
        bar(Progress("received", 1, 2))
        bar.finish()

        assert terminal.tell() == 0
