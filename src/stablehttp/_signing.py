"""The bridge between messages and signers, which know strings only.

Floor 7: stands on messages and on the protocol of signers.

Signing happens on the completed request.  It is repeated cleanly: what a signer sets replaces what
an earlier attempt left, and what it covers is sealed under its name.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import new as new_hash
from hashlib import sha256
from typing import Literal, Protocol, TypeGuard

from stablehttp._body import AsyncBody, Body, BytesBody, ChunkChain, ChunkSigning, SyncBody
from stablehttp._errors import SigningError
from stablehttp._fields import replace_lines
from stablehttp._message import AnyRequest, seal
from stablehttp._signed_events import EventAuthority, SignedEvents
from stablehttp.signers import Signer, SigningChanges


class ContentAnnouncer(Signer, Protocol):
    """A signer that can say another thing of the content than its own rules do."""

    def with_content(self, content: ChunkSigning | Literal["events"], /) -> Signer:
        """Give the same signer for content that is sent and signed in this way."""
        ...


class ChunkAuthority(Signer, Protocol):
    """A signer that goes on to sign the chunks of the content."""

    def chunk_signer(self, now: datetime, /) -> ChunkChain:
        """Give what signs the chunks of a request signed at `now`."""
        ...


def sign(request: AnyRequest, signer: Signer, *, content_digest: str | None, now: datetime) -> None:
    """Have `request` signed, apply the changes and seal what the signature covers.

    Raises:
        SigningError: the signer cannot sign this.
        InvalidFieldError: the signer gave a line that no message may hold.
    """
    uri = request.uri
    changes = signer.sign(
        request.method,
        uri.origin,
        uri.target,
        request.headers.items(),
        content_digest=content_digest,
        now=now,
    )
    apply_changes(request, changes)
    chained = request.body.chained
    if chained is not None and _signs_chunks(signer):
        chained.begin(signer.chunk_signer(now), changes.signature)
    events = request.extensions.get(SignedEvents)
    if events is not None and _signs_events(signer):
        request.extensions.set(events.begin(signer, changes.signature))
    seal(request, changes.covered, f"the signature by {signer.name}")


def signer_for(request: AnyRequest, signer: Signer | None) -> Signer | None:
    """The signer that announces content as it is sent: `signer` itself, unless chunks or events are signed.

    Raises:
        SigningError: they are to be signed, and there is nobody who can.
    """
    chained = request.body.chained
    if chained is None:
        return _signer_of_events(signer) if SignedEvents in request.extensions else signer
    unsigned = chained.signing == "unsigned-chunks-and-trailer"
    if _announces_content(signer) and (unsigned or hasattr(signer, "chunk_signer")):
        return signer.with_content(chained.signing)
    if unsigned:
        return signer
    whose = "the pipeline has none" if signer is None else f"{signer.name} is none"
    raise SigningError(
        f"the content is sent in signed chunks, which needs a signer that can continue its signature, and {whose}; "
        "use SigV4Signer, or aws_chunked(body, signatures='unsigned')"
    )


def _signer_of_events(signer: Signer | None) -> Signer:
    if _signs_events(signer) and _announces_content(signer):
        return signer.with_content("events")
    whose = "the pipeline has none" if signer is None else f"{signer.name} is none"
    raise SigningError(
        f"the content is a stream of signed events, which needs a signer that can continue its signature, and {whose}; "
        "use SigV4Signer, or send events without signatures"
    )


def _announces_content(signer: object) -> TypeGuard[ContentAnnouncer]:
    return hasattr(signer, "with_content")


def _signs_chunks(signer: object) -> TypeGuard[ChunkAuthority]:
    return hasattr(signer, "chunk_signer")


def _signs_events(signer: object) -> TypeGuard[EventAuthority]:
    return hasattr(signer, "event_signer")


def apply_changes(request: AnyRequest, changes: SigningChanges) -> None:
    """Do to `request` what a signer asked for.

    Raises:
        InvalidFieldError: a line is not one that a message may hold.
    """
    replace_lines(request.headers, changes.remove, changes.set)
    if changes.target is not None:
        request.uri = request.uri.with_target(changes.target)


def digest_at_hand(body: Body, algorithm: str) -> str | None:
    """The digest of content that is in memory, in lower-case hex; None for any other."""
    if not isinstance(body, BytesBody):
        body = body.bare
        if not isinstance(body, BytesBody):
            return None
    if algorithm == "sha256":  # what nearly all signers ask for; by name it takes half as long again (measured)
        return sha256(body.content, usedforsecurity=False).hexdigest()
    return new_hash(algorithm, body.content, usedforsecurity=False).hexdigest()


async def aread_digest(body: Body, algorithm: str) -> str | None:
    """The digest of content that can be read twice, in lower-case hex; None for content that cannot."""
    body = body.bare
    if not isinstance(body, AsyncBody) or not body.replayable:
        return None
    running = new_hash(algorithm, usedforsecurity=False)
    async for chunk in body.achunks(reader="the digest for the signer"):
        running.update(chunk)
    return running.hexdigest()


def read_digest(body: Body, algorithm: str) -> str | None:
    """The digest of content that can be read twice, in lower-case hex; None for content that cannot."""
    body = body.bare
    if not isinstance(body, SyncBody) or not body.replayable:
        return None
    running = new_hash(algorithm, usedforsecurity=False)
    for chunk in body.chunks(reader="the digest for the signer"):
        running.update(chunk)
    return running.hexdigest()
