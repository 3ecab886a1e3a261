"""Choosing a connector: h11 unless it will not do, and never because something was installed."""

from __future__ import annotations

import pytest

from stablehttp import (
    ConnectorRequirements,
    HttpSettings,
    HttpVersion,
    InvalidMessageError,
    NoConnectorError,
    Timeouts,
    TLSSettings,
    best_available,
    installed_makers,
    make_connector,
    make_sync_connector,
)
from stablehttp import _selection as selection


def test_without_a_word_the_embedded_connector_is_chosen_whatever_is_installed() -> None:
    """U-D6."""
    assert make_connector().name == "h11"
    assert make_sync_connector().name == "h11"
    assert {"h11", "httpx", "httpx2", "aiohttp", "crt"} <= set(installed_makers())


def test_several_that_would_do_are_an_error_that_names_them_and_the_line_to_write() -> None:
    wanted = ConnectorRequirements(versions=(HttpVersion.HTTP_2,))

    with pytest.raises(NoConnectorError, match=r"several connectors would do \(.*connector=stablehttp_") as caught:
        make_connector(wanted)

    assert caught.value.wanted == ["HTTP/2"]


def test_the_best_available_may_be_asked_for() -> None:
    assert best_available(ConnectorRequirements(versions=(HttpVersion.HTTP_2,))).versions == (HttpVersion.HTTP_2,)


def test_when_none_will_do_the_error_says_what_was_wanted_and_who_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    """C9."""
    only_h11 = {"h11": installed_makers()["h11"]}
    monkeypatch.setattr(selection, "installed_makers", lambda: only_h11)

    with pytest.raises(NoConnectorError, match="no connector speaks HTTP/2 as required") as caught:
        make_connector(ConnectorRequirements(versions=(HttpVersion.HTTP_2,)))

    assert set(caught.value.reasons) == {"h11"}


def test_settings_are_values_and_equal_ones_are_one_key() -> None:
    """C2."""
    one = HttpSettings(connect_timeout=3, tls=TLSSettings(ca_file="x"))

    assert one == HttpSettings(connect_timeout=3, tls=TLSSettings(ca_file="x"))
    assert len({one, HttpSettings(connect_timeout=3, tls=TLSSettings(ca_file="x"))}) == 1
    with pytest.raises(AttributeError):
        one.connect_timeout = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Timeouts(read=0),
        lambda: Timeouts(total=-1),
        lambda: Timeouts(pool=float("nan")),
        lambda: HttpSettings(connect_timeout=0),
        lambda: HttpSettings(max_connections=0),
        lambda: TLSSettings(minimum_version="SSLv3"),
        lambda: TLSSettings(client_key="k"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: object) -> None:
    with pytest.raises(InvalidMessageError):
        make()  # type: ignore[operator]
