"""Signers that work on strings: in goes what will stand on the wire, out comes what to change.

Floor 2: a door; it only re-exports.

Nothing here knows a message or a client, so it serves people who use nothing else of this library.
A name is loaded when it is first used: a pipeline without a signer costs no signer.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stablehttp.signers._canonical_fields import UNSIGNED_FIELDS as UNSIGNED_FIELDS
    from stablehttp.signers._chunk_signing import SMALLEST_CHUNK as SMALLEST_CHUNK
    from stablehttp.signers._chunk_signing import ChunkedContent as ChunkedContent
    from stablehttp.signers._chunk_signing import ChunkSigner as ChunkSigner
    from stablehttp.signers._chunk_signing import chunked_length as chunked_length
    from stablehttp.signers._content_digest import content_digest as content_digest
    from stablehttp.signers._content_digest import content_digest_of as content_digest_of
    from stablehttp.signers._credentials import Credentials as Credentials
    from stablehttp.signers._event_signing import EventChain as EventChain
    from stablehttp.signers._event_signing import EventSigner as EventSigner
    from stablehttp.signers._event_signing import SignedEvent as SignedEvent
    from stablehttp.signers._goog4 import GOOG4QuerySigner as GOOG4QuerySigner
    from stablehttp.signers._goog4 import GOOG4Signer as GOOG4Signer
    from stablehttp.signers._goog4 import ServiceAccount as ServiceAccount
    from stablehttp.signers._message_components import Component as Component
    from stablehttp.signers._message_key import MessageKey as MessageKey
    from stablehttp.signers._message_parts import RequestParts as RequestParts
    from stablehttp.signers._message_parts import ResponseParts as ResponseParts
    from stablehttp.signers._message_signer import MessageSigner as MessageSigner
    from stablehttp.signers._message_signer import read_signature_input as read_signature_input
    from stablehttp.signers._message_signer import signature_base as signature_base
    from stablehttp.signers._mismatch import Mismatch as Mismatch
    from stablehttp.signers._mismatch import explain_mismatch as explain_mismatch
    from stablehttp.signers._mismatch_request import Difference as Difference
    from stablehttp.signers._protocol import Signer as Signer
    from stablehttp.signers._protocol import SigningChanges as SigningChanges
    from stablehttp.signers._signing_key import SigningKeyCache as SigningKeyCache
    from stablehttp.signers._signing_rules import DEFAULT_RULES as DEFAULT_RULES
    from stablehttp.signers._signing_rules import S3_QUERY_RULES as S3_QUERY_RULES
    from stablehttp.signers._signing_rules import S3_RULES as S3_RULES
    from stablehttp.signers._signing_rules import SigningRules as SigningRules
    from stablehttp.signers._signing_trace import SigningTrace as SigningTrace
    from stablehttp.signers._sigv4 import SigV4QuerySigner as SigV4QuerySigner
    from stablehttp.signers._sigv4 import SigV4Signer as SigV4Signer
    from stablehttp.signers._sigv4a import SigV4aQuerySigner as SigV4aQuerySigner
    from stablehttp.signers._sigv4a import SigV4aSigner as SigV4aSigner

_HOMES = {
    "_canonical_fields": "UNSIGNED_FIELDS",
    "_chunk_signing": "SMALLEST_CHUNK ChunkedContent ChunkSigner chunked_length",
    "_content_digest": "content_digest content_digest_of",
    "_credentials": "Credentials",
    "_event_signing": "EventChain EventSigner SignedEvent",
    "_goog4": "GOOG4QuerySigner GOOG4Signer ServiceAccount",
    "_message_components": "Component",
    "_message_key": "MessageKey",
    "_message_parts": "RequestParts ResponseParts",
    "_message_signer": "MessageSigner read_signature_input signature_base",
    "_mismatch": "Mismatch explain_mismatch",
    "_mismatch_request": "Difference",
    "_protocol": "Signer SigningChanges",
    "_signing_key": "SigningKeyCache",
    "_signing_rules": "DEFAULT_RULES S3_QUERY_RULES S3_RULES SigningRules",
    "_signing_trace": "SigningTrace",
    "_sigv4": "SigV4QuerySigner SigV4Signer",
    "_sigv4a": "SigV4aQuerySigner SigV4aSigner",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "DEFAULT_RULES",
    "S3_QUERY_RULES",
    "S3_RULES",
    "SMALLEST_CHUNK",
    "UNSIGNED_FIELDS",
    "ChunkSigner",
    "ChunkedContent",
    "Component",
    "Credentials",
    "Difference",
    "EventChain",
    "EventSigner",
    "GOOG4QuerySigner",
    "GOOG4Signer",
    "MessageKey",
    "MessageSigner",
    "Mismatch",
    "RequestParts",
    "ResponseParts",
    "ServiceAccount",
    "SigV4QuerySigner",
    "SigV4Signer",
    "SigV4aQuerySigner",
    "SigV4aSigner",
    "SignedEvent",
    "Signer",
    "SigningChanges",
    "SigningKeyCache",
    "SigningRules",
    "SigningTrace",
    "chunked_length",
    "content_digest",
    "content_digest_of",
    "explain_mismatch",
    "read_signature_input",
    "signature_base",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
