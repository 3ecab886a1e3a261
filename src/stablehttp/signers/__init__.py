"""Signers that work on strings: in goes what will stand on the wire, out comes what to change.

Floor 2: a door; it only re-exports.

Nothing here knows a message or a client, so it serves people who use nothing else of this library.
"""

from stablehttp.signers._canonical_fields import UNSIGNED_FIELDS as UNSIGNED_FIELDS
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
from stablehttp.signers._sigv4 import SigV4QuerySigner as SigV4QuerySigner
from stablehttp.signers._sigv4 import SigV4Signer as SigV4Signer
from stablehttp.signers._sigv4a import SigV4aQuerySigner as SigV4aQuerySigner
from stablehttp.signers._sigv4a import SigV4aSigner as SigV4aSigner
from stablehttp.signers._v4 import SigningTrace as SigningTrace
