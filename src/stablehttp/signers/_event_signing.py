"""Events that are signed one after the other: Amazon event streams.

Floor 2: stands on errors and the V4 family.

Each event is wrapped in a message with two headers, `:date` and `:chunk-signature`; it signs the
signature before it, beginning with that of the request.  The last event is empty and closes the
stream.  Wrapping is the matter of whoever frames messages; here is what goes into those headers.

`:date` counts milliseconds, while the string to sign counts seconds; a server finds the one from the
other, so times are cut to seconds first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from threading import Lock
from typing import Final, final

from stablehttp._errors import ClosedError, SigningError
from stablehttp.signers._clock import as_utc, timestamp
from stablehttp.signers._v4 import SigningDay

_DATE_HEADER: Final = b"\x05:date\x08"  # name length, name, and 8 for the type timestamp


@final
@dataclass(frozen=True, slots=True)
class SignedEvent:
    """What an event is wrapped with: `:date`, and `:chunk-signature` in octets."""

    date: datetime
    signature: bytes = field(repr=False)


@final
@dataclass(frozen=True, slots=True)
class EventSigner:
    """Signs events of one stream, a pure function of each; made by `SigV4Signer.event_signer`."""

    algorithm: str
    day: Callable[[str], SigningDay] = field(repr=False)

    def sign_event(self, previous: str, payload: bytes, now: datetime) -> SignedEvent:
        """Sign an event, already encoded, that follows what `previous` is the signature of.

        Raises:
            SigningError: `now` has no time zone.
        """
        when = timestamp(now)
        date = as_utc(now).replace(microsecond=0)
        day = self.day(when[:8])
        headers = _DATE_HEADER + (int(date.timestamp()) * 1000).to_bytes(8, "big", signed=True)
        digests = (sha256(headers).hexdigest(), sha256(payload).hexdigest())
        to_sign = "\n".join((f"{self.algorithm}-PAYLOAD", when, day.scope, previous, *digests))
        return SignedEvent(date, bytes.fromhex(day.sign(to_sign.encode())))


@final
class EventChain:
    """The running signature of one stream of events, safe to share between threads.

    `seed` is the signature of the request that opened the stream.
    """

    __slots__ = ("_closed", "_lock", "_previous", "_signer")

    def __init__(self, signer: EventSigner, seed: str) -> None:
        if not seed:
            raise SigningError("signed events continue from the signature of the request; give it as seed")
        self._signer = signer
        self._previous = seed
        self._closed = False
        self._lock = Lock()

    def sign(self, payload: bytes, now: datetime) -> SignedEvent:
        """Sign the next event; an empty one would end the stream, which is what `close` is for.

        Raises:
            ClosedError: the last event was signed.
            SigningError: there is no event in `payload`.
        """
        if not payload:
            raise SigningError("an empty event ends a signed stream; call close to sign the last one")
        return self._next(payload, now)

    def close(self, now: datetime) -> SignedEvent:
        """Sign the empty event that ends the stream; nothing can be signed after it.

        Raises:
            ClosedError: the last event was signed already.
        """
        return self._next(b"", now)

    def _next(self, payload: bytes, now: datetime) -> SignedEvent:
        with self._lock:
            if self._closed:
                raise ClosedError("the last event of this stream was signed; open a new stream to send more")
            event = self._signer.sign_event(self._previous, payload, now)
            self._previous = event.signature.hex()
            self._closed = not payload
            return event
