"""Offering the connector: without importing httpx, and only where it can do what is asked."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

import stablehttp_httpx
from stablehttp import ConnectorRequirements, HttpSettings, HttpVersion, MissingExtraError, UnsupportedTransportError
from stablehttp_httpx import make_connector, make_sync_connector


def run_fresh(code: str) -> str:
    """What `code` prints in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_asking_imports_no_client() -> None:
    """U-A1."""
    code = "import sys, stablehttp_httpx._maker; print('httpx' in sys.modules, 'httpcore' in sys.modules)"

    assert run_fresh(code) == "False False"


def test_without_httpx_the_maker_declines_and_the_names_say_what_to_install() -> None:
    code = """
import importlib.metadata as metadata
found = metadata.version
def version(name):
    if name == "httpx":
        raise metadata.PackageNotFoundError(name)
    return found(name)
metadata.version = version
from stablehttp import ConnectorRequirements
from stablehttp_httpx._maker import make_connector, make_sync_connector
print(make_connector(ConnectorRequirements()), make_sync_connector(ConnectorRequirements()))
try:
    from stablehttp_httpx import AsyncHttpxConnector
except ImportError as error:
    print(type(error).__name__, error, error.extra)
"""

    assert run_fresh(code).splitlines() == [
        "None None",
        "MissingExtraError httpx is not installed; run: pip install 'stablehttp[httpx]' httpx",
    ]


@pytest.mark.parametrize("installed", ["0.1.0", "99.0", "nonsense"])
def test_a_version_out_of_range_is_refused_by_name(installed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """U-A5."""
    monkeypatch.setattr(importlib.metadata, "version", lambda name: installed)

    with pytest.raises(
        MissingExtraError, match=rf"httpx {installed} is installed, and this adapter works from"
    ) as caught:
        make_connector.check()
    assert caught.value.extra == "httpx"
    assert make_connector(ConnectorRequirements()) is None


@pytest.mark.parametrize("needs", [{"duplex": True}, {"trailers": True}])
def test_the_maker_declines_what_httpx_cannot_do(needs: dict[str, bool]) -> None:
    requirements = ConnectorRequirements(**needs)  # type: ignore[arg-type]

    assert make_connector(requirements) is None
    assert make_sync_connector(requirements) is None


@pytest.mark.parametrize(
    "versions",
    [
        (HttpVersion.HTTP_1_1,),
        (HttpVersion.HTTP_2,),
        (HttpVersion.HTTP_2, HttpVersion.HTTP_1_1),
    ],
)
def test_what_is_made_speaks_the_versions_that_were_asked_for(versions: tuple[HttpVersion, ...]) -> None:
    requirements = ConnectorRequirements(versions=versions)
    made, blocking = make_connector(requirements), make_sync_connector(requirements)

    assert made is not None
    assert blocking is not None
    assert set(made.capabilities) == set(blocking.capabilities) == set(versions)
    assert (made.name, blocking.name) == ("httpx", "httpx")


def test_a_proxy_that_httpx_cannot_reach_is_refused() -> None:
    with pytest.raises(UnsupportedTransportError, match="http and https only"):
        make_connector(ConnectorRequirements(settings=HttpSettings(proxy="socks5://a.test:1080")))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = stablehttp_httpx.Nothing
    assert set(stablehttp_httpx.__all__) == set(dir(stablehttp_httpx))
    assert all(getattr(stablehttp_httpx, name) is not None for name in stablehttp_httpx.__all__)
