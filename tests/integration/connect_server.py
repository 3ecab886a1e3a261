"""The Connect service of the tests, in a process of its own: `connect_service.py`."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stablehttp.testing.contract import Subject


@dataclass(frozen=True)
class ConnectServer:
    """Where the service of `connect_service.py` listens."""

    plain: str
    tls: str
    ca_file: str

    def url(self, subject: Subject) -> str:
        """The URI for a connector: with TLS if it wants that."""
        return self.tls if subject.tls else self.plain


def serve_connect(home: Path) -> Iterator[ConnectServer]:
    """A service written with connectrpc, behind hypercorn, over HTTP/1.1 and HTTP/2; its files are in `home`."""
    for package in ("connectrpc", "hypercorn"):
        pytest.importorskip(package)
    import trustme

    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(home / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(home / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(home / "cert.pem"))
    service = Path(__file__).with_name("connect_service.py")
    with (
        socket.create_server(("127.0.0.1", 0)) as plain,
        socket.create_server(("127.0.0.1", 0)) as tls,
        (home / "log").open("wb") as log,
    ):
        listeners = [str(plain.fileno()), str(tls.fileno())]
        process = subprocess.Popen(
            [sys.executable, str(service), *listeners, str(home / "cert.pem"), str(home / "key.pem")],
            stdout=log,
            stderr=log,
            pass_fds=(plain.fileno(), tls.fileno()),
        )
        try:
            yield ConnectServer(
                f"http://127.0.0.1:{plain.getsockname()[1]}",
                f"https://127.0.0.1:{tls.getsockname()[1]}",
                str(home / "ca.pem"),
            )
        finally:
            process.kill()  # it has nothing to lose, and would wait for streams that nobody reads
            process.wait()
