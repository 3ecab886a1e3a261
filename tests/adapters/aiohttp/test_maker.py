"""Offering the connector: what is declined, and which versions of aiohttp will do."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

from stablehttp import (
    Capability,
    ConnectorRequirements,
    HttpSettings,
    HttpVersion,
    MissingExtraError,
    UnsupportedTransportError,
)
from stablehttp_aiohttp import CAPABILITIES, AsyncAiohttpConnector, make_connector, make_sync_connector

BOTH = (HttpVersion.HTTP_2, HttpVersion.HTTP_1_1)


@pytest.mark.parametrize("versions", [(HttpVersion.HTTP_1_1,), BOTH], ids=["HTTP/1.1", "either"])
def test_requirements_that_aiohttp_meets_are_met_without_a_loop(versions: tuple[HttpVersion, ...]) -> None:
    made = make_connector(ConnectorRequirements(versions=versions, streaming_upload=True))

    assert isinstance(made, AsyncAiohttpConnector)
    assert (made.name, made.versions) == ("aiohttp", (HttpVersion.HTTP_1_1,))


@pytest.mark.parametrize(
    "requirements",
    [
        ConnectorRequirements(versions=(HttpVersion.HTTP_2,)),
        ConnectorRequirements(duplex=True),
        ConnectorRequirements(trailers=True),
        ConnectorRequirements(settings=HttpSettings(proxy="http://127.0.0.1:1")),
    ],
    ids=["HTTP/2", "duplex", "trailers", "a proxy"],
)
def test_what_aiohttp_cannot_do_is_declined(requirements: ConnectorRequirements) -> None:
    assert make_connector(requirements) is None


def test_there_is_no_synchronous_connector() -> None:
    assert make_sync_connector(ConnectorRequirements()) is None


def test_duplex_is_explicitly_not_supported() -> None:
    """D7."""
    assert AsyncAiohttpConnector.SUPPORTS_DUPLEX_STREAMING is False
    assert "SUPPORTS_DUPLEX_STREAMING" in vars(AsyncAiohttpConnector)
    assert Capability.DUPLEX not in CAPABILITIES[HttpVersion.HTTP_1_1]


@pytest.mark.parametrize("versions", [(HttpVersion.HTTP_2,), BOTH, ()], ids=["HTTP/2", "both", "none"])
def test_a_version_that_aiohttp_does_not_speak_is_refused(versions: tuple[HttpVersion, ...]) -> None:
    with pytest.raises(UnsupportedTransportError, match=r"HTTP/1\.1 only"):
        AsyncAiohttpConnector(versions=versions)


def test_a_proxy_is_refused() -> None:
    with pytest.raises(UnsupportedTransportError, match="proxy"):
        AsyncAiohttpConnector(settings=HttpSettings(proxy="http://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("installed", "good"),
    [
        ("3.13.9", False),
        ("3.14.0", True),
        ("3.14", True),
        ("3.14.5", True),
        ("3.99.1.post1", True),
        ("4.0.0a1", False),
        ("4.0.0", False),
        ("nonsense", False),
    ],
)
def test_versions_out_of_range_are_refused_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch, installed: str, good: bool
) -> None:
    """U-A5, W15."""
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: installed if name == "aiohttp" else real(name))

    if good:
        make_connector.check()
        return
    with pytest.raises(MissingExtraError, match=r"pip install 'stablehttp\[aiohttp\]'") as caught:
        make_connector.check()
    assert (caught.value.extra, installed in str(caught.value)) == ("aiohttp", True)
    assert make_connector(ConnectorRequirements()) is None


@pytest.mark.parametrize("package", ["multidict", "yarl"])
def test_what_aiohttp_is_called_with_is_checked_too(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """U-A5, W15."""
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99.0" if name == package else real(name))

    with pytest.raises(MissingExtraError, match=rf"{package} 99.0 is installed, and this adapter works from"):
        make_connector.check()
    assert make_connector(ConnectorRequirements()) is None


def run_fresh(code: str) -> str:
    """What `code` prints in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_without_aiohttp_the_package_says_what_to_install_when_the_connector_is_wanted() -> None:
    code = """
import importlib.metadata
def missing(name):
    raise importlib.metadata.PackageNotFoundError(name)
importlib.metadata.version = missing
import stablehttp_aiohttp
try:
    stablehttp_aiohttp.AsyncAiohttpConnector
except ImportError as error:
    print(error)
"""

    assert run_fresh(code) == "aiohttp is not installed; run: pip install 'stablehttp[aiohttp]'"


def test_asking_what_is_installed_imports_no_client() -> None:
    """U-A1: a maker is asked before its client is known to be there."""
    code = """
import sys
import stablehttp_aiohttp._maker
print(*sorted({"aiohttp", "yarl", "multidict", "asyncio"} & set(sys.modules)))
"""

    assert run_fresh(code) == ""
