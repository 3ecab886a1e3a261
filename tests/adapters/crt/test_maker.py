"""Offering the connector: what is declined, and which versions of awscrt will do."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

from stablehttp import Capability, ConnectorRequirements, HttpSettings, HttpVersion, MissingExtraError
from stablehttp_crt import AsyncCrtConnector, SyncCrtConnector, make_connector, make_sync_connector
from stablehttp_crt import _maker as maker

HTTP_1, HTTP_2 = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2


@pytest.mark.parametrize(
    ("requirements", "versions"),
    [
        (ConnectorRequirements(), (HTTP_1,)),
        (ConnectorRequirements(versions=(HTTP_2,)), (HTTP_2,)),
        (ConnectorRequirements(versions=(HTTP_1, HTTP_2), streaming_upload=True), (HTTP_2, HTTP_1)),
        (ConnectorRequirements(settings=HttpSettings(proxy="http://127.0.0.1:1")), (HTTP_1,)),
    ],
    ids=["HTTP/1.1", "HTTP/2", "both", "a proxy"],
)
def test_requirements_are_met_by_connectors_of_both_colours(
    requirements: ConnectorRequirements, versions: tuple[HttpVersion, ...]
) -> None:
    made, twin = make_connector(requirements), make_sync_connector(requirements)

    assert isinstance(made, AsyncCrtConnector)
    assert isinstance(twin, SyncCrtConnector)
    assert (made.name, made.versions, twin.versions) == ("crt", versions, versions)


def test_duplex_leaves_http_2_and_the_asynchronous_connector() -> None:
    """D14."""
    requirements = ConnectorRequirements(versions=(HTTP_2, HTTP_1), duplex=True)

    made = make_connector(requirements)

    assert made is not None
    assert made.versions == (HTTP_2,)
    assert Capability.DUPLEX in made.capabilities[HTTP_2]
    assert make_sync_connector(requirements) is None
    twin = SyncCrtConnector(versions=(HTTP_2,))
    assert (twin.SUPPORTS_DUPLEX_STREAMING, Capability.DUPLEX in twin.capabilities[HTTP_2]) == (False, False)


@pytest.mark.parametrize(
    "requirements",
    [
        ConnectorRequirements(trailers=True),
        ConnectorRequirements(versions=(HTTP_1,), duplex=True),
    ],
    ids=["trailers", "duplex over HTTP/1.1"],
)
def test_what_the_crt_cannot_do_is_declined(requirements: ConnectorRequirements) -> None:
    assert make_connector(requirements) is None
    assert make_sync_connector(requirements) is None


@pytest.mark.parametrize("installed", ["0.32.0", "0.38.1"])
def test_a_version_in_the_range_will_do(monkeypatch: pytest.MonkeyPatch, installed: str) -> None:
    """W15."""
    monkeypatch.setattr(importlib.metadata, "version", lambda name: installed)

    make_connector.check()

    assert make_connector(ConnectorRequirements()) is not None


@pytest.mark.parametrize("installed", ["0.31.9", "0.39.0", "1.0.0.dev0"])
def test_another_version_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch, installed: str) -> None:
    """W15, U-A5."""
    monkeypatch.setattr(importlib.metadata, "version", lambda name: installed)

    with pytest.raises(
        MissingExtraError, match=rf"awscrt {installed}.*0\.32 to below 0\.39.*stablehttp\[crt\]"
    ) as caught:
        make_connector.check()

    assert caught.value.extra == "crt"
    assert make_connector(ConnectorRequirements()) is None


def test_the_range_is_the_one_of_the_extra() -> None:
    """W15."""
    required = [line for line in importlib.metadata.requires("stablehttp") or () if line.startswith("awscrt")]

    assert required
    assert all(">=0.32" in line and "<0.39" in line for line in required)
    assert [(package.lowest, package.below) for package in maker.PACKAGES] == [((0, 32), (0, 39))]


def test_asking_imports_no_client_and_a_missing_one_is_an_error_with_a_way_out() -> None:
    """U-A1."""
    code = """
import sys
from importlib.metadata import PackageNotFoundError
import importlib.metadata as metadata
real = metadata.version
def version(name):
    if name == "awscrt":
        raise PackageNotFoundError(name)
    return real(name)
metadata.version = version
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "awscrt":
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Blocker())
from stablehttp import ConnectorRequirements
from stablehttp_crt._maker import make_connector
print(make_connector(ConnectorRequirements()))
try:
    from stablehttp_crt import AsyncCrtConnector
except ImportError as error:
    print(type(error).__name__, error)
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    missing = "MissingExtraError awscrt is not installed; run: pip install 'stablehttp[crt]'"
    assert done.stdout.splitlines() == ["None", missing], done.stderr
