"""The command `stablehttp`, as a person calls it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stablehttp._cli import main
from stablehttp.testing import Answer, Close, Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin(Answer(200, b"hello\0\xff", fields=[("X-A", "1")])) as started:
        yield started


VIA = ["h11", "httpx", "aiohttp", "crt"]


@pytest.mark.parametrize("via", VIA)
def test_send_sends_through_any_connector_and_writes_the_content(
    origin: Origin, via: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    status = main(["send", "put", origin.url + "/a%2Fb?", "-H", "X-D: 1", "-H", "x-d:2", "-d", "abc", "--via", via])

    printed = capfdbinary.readouterr()
    assert (status, printed.out) == (0, b"hello\0\xff")
    assert b"HTTP/1.1 200" in printed.err
    arrived = origin.take()
    assert (arrived.method, arrived.target, arrived.content) == (b"put", b"/a%2Fb?", b"abc")
    assert arrived.fields[1:3] == ((b"X-D", b"1"), (b"x-d", b"2"))


@pytest.mark.parametrize("via", ["h11", "aiohttp"])
def test_send_streams_a_file_and_writes_to_one(origin: Origin, via: str, tmp_path: Path) -> None:
    source, sink = tmp_path / "in", tmp_path / "out"
    source.write_bytes(b"x" * 200_000)

    status = main(["send", "POST", origin.url, "-d", f"@{source}", "-o", str(sink), "--via", via])

    arrived = origin.take()
    assert status == 0
    assert arrived.values("content-length") == (b"200000",)
    assert arrived.content == source.read_bytes()
    assert sink.read_bytes() == b"hello\0\xff"


def test_send_hides_secrets_in_what_it_shows(
    origin: Origin, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """U-I5."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "MARKER")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "MARKER")
    for show in ("request", "canonical", "wire"):
        main(
            [
                "send",
                "GET",
                origin.url + "/?sig=MARKER&a=b",
                "-H",
                "Authorization: MARKER",
                "--show",
                show,
                "--sign",
                "sigv4",
                "eu",
                "s3",
                "-o",
                "/dev/null",
            ]
        )
        shown = capsys.readouterr().err
        assert "MARKER" not in shown
        assert "a=b" in shown
    assert b"MARKER" in origin.take().target


def test_an_error_status_is_22_and_no_response_is_one_clear_line(
    origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    origin.script([Answer(404, b"no"), Answer.failing(Close(), "request")])

    assert main(["send", "GET", origin.url]) == 22
    capsys.readouterr()
    assert main(["send", "GET", origin.url + "/?token=MARKER"]) == 1

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("stablehttp: ")
    assert "MARKER" not in lines[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["send", "GET", "nowhere"], "not an absolute URI"),
        (["send", "G T", "http://127.0.0.1/"], "a method is a token"),
        (["send", "GET", "http://127.0.0.1/", "-H", "no colon"], "has no colon"),
        (["send", "GET", "http://127.0.0.1/", "-H", "A B: c"], "not a token"),
        (["send", "GET", "http://127.0.0.1/", "-d", "@/does/not/exist"], "cannot read '/does/not/exist'"),
        (["send", "GET", "http://127.0.0.1/", "--via", "nobody"], "connector 'nobody' cannot be used"),
        (["send", "GET", "http://127.0.0.1/", "--via", "h11", "--http", "2"], "does not speak HTTP/2"),
        (["send", "GET", "http://127.0.0.1/", "--sign", "md5", "a", "b"], "only signer"),
        (["send", "GET", "http://127.0.0.1:1/"], "refused"),
    ],
    ids=lambda value: " ".join(value[2:]) if isinstance(value, list) else "",
)
def test_each_failure_is_one_clear_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert says in lines[0]


def test_connectors_lists_what_is_installed_and_what_each_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connectors", "--plain"]) == 0

    printed = capsys.readouterr().out
    for name in ("h11", "httpx", "httpx2", "aiohttp", "crt", "pyqwest"):
        assert f"\n{name} " in printed
    assert "request trailers" in printed


CHOICES = {
    "nothing said": ([], 0, ["for HTTP/1.1, a client", "  h11, over HTTP/1.1"]),
    "trailers": (["--need", "request-trailers"], 0, ["with request trailers", "  h11, over HTTP/1.1"]),
    "HTTP/2": (["--http", "2"], 1, ["  none: make one", "h11: does not speak HTTP/2", "httpx: would do"]),
    "blocking": (["--sync", "--http", "2", "--http", "1.1"], 0, ["for HTTP/2 or HTTP/1.1", "  h11, over HTTP/1.1"]),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_connectors_says_which_would_be_chosen_and_why(choice: str, capsys: pytest.CaptureFixture[str]) -> None:
    """U-D6, U-J5."""
    arguments, status, says = CHOICES[choice]

    assert main(["connectors", "--plain", *arguments]) == status

    printed = capsys.readouterr().out
    assert all(words in printed for words in says)


def test_the_demo_finds_that_all_of_ours_arrive_as_signed(capsys: pytest.CaptureFixture[str]) -> None:
    """U-B4: the origin works out the signature again from what arrived."""
    assert main(["demo", "--plain"]) == 0

    rows = [line for line in capsys.readouterr().out.splitlines() if "HTTP/" in line]
    ours = [row for row in rows if "bare" not in row and "refused unsent" not in row]
    assert len(ours) >= 8
    assert all(row.startswith("pyqwest") for row in rows if "refused unsent" in row)
    assert all(row.count("as signed") == 3 and "verifies" in row for row in ours)
    assert all("verifies" not in row or "added" in row for row in rows if "bare" in row)


def test_nothing_said_is_misuse() -> None:
    with pytest.raises(SystemExit) as caught:
        main([])

    assert caught.value.code == 2
    assert sys.argv
