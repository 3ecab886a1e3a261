"""SigV4 alone, for S3 with the digest of 1 KiB at hand and the key cached: 21 lines in, changes out."""

from __future__ import annotations

from typing import Final

from tests.benchmarks.harness import Goal, LeftOut, Rows, compare
from tests.benchmarks.peers import PEERS
from tests.benchmarks.workload import NOW, SIGNER, authorization_by_hand, build, prepare

_PEER_GOALS: Final = {"smithy-http + aws-sdk-signers": Goal(1 / 10, 1 / 13), "botocore": Goal(1 / 7, 1 / 8)}
_SIGNATURE: Final = ("authorization", "x-amz-date", "x-amz-content-sha256")


def rows(seconds: float) -> Rows:
    """Against the least code by hand, and against two SDKs."""
    ready = prepare(build())
    final = ready.headers.items()
    unsigned = [line for line in final if line[0].lower() not in _SIGNATURE]
    to_sign = [line for line in final if line[0].lower() != "authorization"]
    digest, stamp = ready.headers["X-Amz-Content-Sha256"], ready.headers["X-Amz-Date"]
    origin, target = ready.uri.origin, ready.target

    def ours() -> object:
        return SIGNER.sign("PUT", origin, target, unsigned, content_digest=digest, now=NOW)

    def by_hand() -> object:
        return authorization_by_hand("PUT", to_sign, stamp, digest)

    assert ready.headers["Authorization"] == by_hand()
    yield compare("SigV4 / by hand", ours, by_hand, seconds, Goal(1.6, 1.4))
    for name, make in PEERS.items():
        try:
            _, theirs = make()
        except ImportError as error:
            yield LeftOut(f"SigV4 / {name}", str(error))
        else:
            yield compare(f"SigV4 / {name}", ours, theirs, seconds, _PEER_GOALS[name])
