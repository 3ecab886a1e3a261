"""What a server does to check a stream of signed events, written from the description of the protocol alone."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Final

from stablehttp.framing import EventHeader, EventStreamDecoder, encode_event_headers
from stablehttp.signers import Credentials, SigV4Signer
from stablehttp.testing import Received

SECRET: Final = "wJalrXUtnFEMI"
SIGNER: Final = SigV4Signer(Credentials("AKID", SECRET, "TOKEN"), region="us-east-1", service="transcribe")


def checked_payloads(received: Received) -> list[bytes]:
    """The events in a signed request, each after its signature was computed anew from the one before it."""
    (authorization,) = received.values("authorization")
    found = re.search(rb"Credential=AKID/(\S+), .*Signature=([0-9a-f]{64})$", authorization)
    assert found is not None
    scope, previous = found[1].decode(), found[2].decode()
    assert received.values("x-amz-content-sha256") == (b"STREAMING-AWS4-HMAC-SHA256-EVENTS",)
    decoder = EventStreamDecoder()
    payloads: list[bytes] = []
    for message in decoder.feed(received.content):
        date, signature = message.get(":date"), message.get(":chunk-signature")
        assert date is not None
        assert signature is not None
        assert isinstance(date.value, int)
        expected = _signature(scope, previous, date, message.payload)
        assert signature.value == expected, f"message {len(payloads)} is not what was signed"
        previous = expected.hex()
        payloads.append(message.payload)
    decoder.finish()
    assert payloads[-1] == b"", "the stream ends with an empty signed message"
    return [inner.payload for payload in payloads[:-1] for inner in EventStreamDecoder().feed(payload)]


def _signature(scope: str, previous: str, date: EventHeader, payload: bytes) -> bytes:
    assert isinstance(date.value, int)
    when = datetime.fromtimestamp(date.value / 1000, UTC)
    day, region, service, last = scope.split("/")
    assert day == f"{when:%Y%m%d}"
    headers = encode_event_headers((date,))
    digests = hashlib.sha256(headers).hexdigest(), hashlib.sha256(payload).hexdigest()
    to_sign = "\n".join(("AWS4-HMAC-SHA256-PAYLOAD", f"{when:%Y%m%dT%H%M%SZ}", scope, previous, *digests))
    key = b"AWS4" + SECRET.encode()
    for step in (day, region, service, last):
        key = hmac.digest(key, step.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256")
