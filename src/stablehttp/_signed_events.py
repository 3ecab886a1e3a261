"""Events that are signed one after the other, beginning from the signature of their request.

Floor 3: stands on the framing of events and on the chain of their signatures.

It travels in the extensions of a request.  Whoever signs the request finds it there, announces events
that are signed, and begins the chain; whoever sends the events goes on with it.  Each attempt begins anew, with
a chain of its own, so that one request can have several on their way.
Both formats are loaded when the first event is signed: a pipeline without events does without them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol, final

from stablehttp._errors import MisuseError
from stablehttp.signers import Signer

if TYPE_CHECKING:
    from stablehttp.signers import EventChain, EventSigner, SignedEvent

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class EventAuthority(Signer, Protocol):
    """What goes on to sign the events of a stream, as `SigV4Signer` does."""

    def event_signer(self) -> EventSigner:
        """Give what signs the events of a stream."""
        ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


@final
class SignedEvents:
    """The chain of signatures of one stream of events."""

    __slots__ = ("_chain", "_clock")

    def __init__(self, clock: Callable[[], datetime] = _utc_now) -> None:
        self._chain: EventChain | None = None
        self._clock = clock

    def begin(self, authority: EventAuthority, seed: str) -> SignedEvents:
        """Go on from `seed`, the signature of the request; what is given back goes on so whatever begins here later."""
        from stablehttp.signers import EventChain

        self._chain = EventChain(authority.event_signer(), seed)
        return self.attempt()

    def attempt(self) -> SignedEvents:
        """What goes on from the signature that was begun with last."""
        begun = SignedEvents(self._clock)
        begun._chain = self._chain
        return begun

    def wrap(self, event: bytes) -> bytes:
        """The message that carries an encoded event and its signature.

        Raises:
            MisuseError: the request was not signed.
            ClosedError: the last event was signed.
        """
        return _carried(self._running().sign(event, self._clock()), event)

    def end(self) -> bytes:
        """The message that ends the stream: no event, signed.

        Raises:
            MisuseError: the request was not signed.
            ClosedError: the last event was signed.
        """
        return _carried(self._running().close(self._clock()), b"")

    def _running(self) -> EventChain:
        if self._chain is None:
            raise MisuseError("events are signed from the signature of their request, and it was not signed yet")
        return self._chain


def _carried(signed: SignedEvent, event: bytes) -> bytes:
    from stablehttp.framing import EventHeader, EventMessage, HeaderType, encode_event_message

    headers = (
        EventHeader(":date", HeaderType.TIMESTAMP, (signed.date - _EPOCH) // timedelta(milliseconds=1)),
        EventHeader(":chunk-signature", HeaderType.BYTE_ARRAY, signed.signature),
    )
    return encode_event_message(EventMessage(headers, event))
