"""What a connector can do, as names.

Floor 0: stands on nothing.

A connector declares a set of these for each protocol version it speaks, and proves each in the
contract suite.  What it does not declare is refused before anything is sent.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, final


@final
class Capability(Enum):
    """Something that not every transport can do; the value says it in plain words."""

    DUPLEX = "duplex (bidirectional) streaming"
    STREAMED_REQUEST = "request content of unknown length"
    EARLY_RESPONSE = "a response that comes before the content of the request has been sent"
    STREAMED_RESPONSE = "response content delivered while it arrives"
    REQUEST_TRAILERS = "request trailers"
    RESPONSE_TRAILERS = "response trailers"
    FIELD_NAME_CASE = "field names spelled as they are given"
    OPAQUE_VALUES = "octets above 0x7F in request field values"
    CONNECT_METHOD = "the CONNECT method"
    EXPECT_CONTINUE = "waiting for 100 (Continue) before the content"
    INFORMATIONAL = "1xx responses handed to a hook"
    REASON_PHRASE = "the reason phrase of a response"
    READ_TIMEOUT = "a timeout between octets received"
    WRITE_TIMEOUT = "a timeout between octets sent"
    POOL_TIMEOUT = "a timeout for a free connection"
    TOTAL_TIMEOUT = "a timeout for the whole call"
    PROXY = "sending through a proxy"
    CLEARTEXT = "connections without TLS"

    if not TYPE_CHECKING:
        __hash__ = object.__hash__  # each member is one object, and the hash of Enum is a call into Python

    def __repr__(self) -> str:
        return f"Capability.{self.name}"
