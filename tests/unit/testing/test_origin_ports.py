"""Addresses where no origin is."""

from __future__ import annotations

import socket

import pytest

from stablehttp.testing._origin_ports import refusing_authority, silent_authority


def test_a_refusing_authority_refuses() -> None:
    with refusing_authority() as authority:
        host, _, port = authority.partition(":")

        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=10)


def test_a_silent_authority_does_not_answer() -> None:
    with silent_authority() as authority:
        host, _, port = authority.partition(":")

        for _ in range(3):
            with pytest.raises(TimeoutError):
                socket.create_connection((host, int(port)), timeout=0.05)
