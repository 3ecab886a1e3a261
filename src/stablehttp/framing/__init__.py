"""Formats of streams: Amazon event streams, Connect, server-sent events.  Octets in, values out.

Floor 2: a door; it only re-exports.

Nothing here does I/O or knows a connector, so everything here works in both colours and with any client.
"""

from stablehttp.framing._connect_codes import ConnectCode as ConnectCode
from stablehttp.framing._connect_codes import code_of_status as code_of_status
from stablehttp.framing._connect_compression import Compressor as Compressor
from stablehttp.framing._connect_compression import Decompressor as Decompressor
from stablehttp.framing._connect_compression import compress_gzip as compress_gzip
from stablehttp.framing._connect_compression import decompress_gzip as decompress_gzip
from stablehttp.framing._connect_end import EndOfStream as EndOfStream
from stablehttp.framing._connect_envelopes import EnvelopeDecoder as EnvelopeDecoder
from stablehttp.framing._connect_envelopes import encode_end_of_stream as encode_end_of_stream
from stablehttp.framing._connect_envelopes import encode_envelope as encode_envelope
from stablehttp.framing._connect_errors import ConnectCallError as ConnectCallError
from stablehttp.framing._connect_errors import ConnectDetail as ConnectDetail
from stablehttp.framing._connect_errors import WireError as WireError
from stablehttp.framing._connect_metadata import FieldPair as FieldPair
from stablehttp.framing._connect_metadata import FieldPairs as FieldPairs
from stablehttp.framing._connect_metadata import StreamKind as StreamKind
from stablehttp.framing._connect_metadata import connect_content_type as connect_content_type
from stablehttp.framing._connect_metadata import decode_binary_metadata as decode_binary_metadata
from stablehttp.framing._connect_metadata import encode_binary_metadata as encode_binary_metadata
from stablehttp.framing._connect_metadata import encode_timeout as encode_timeout
from stablehttp.framing._connect_metadata import make_call_fields as make_call_fields
from stablehttp.framing._connect_metadata import matches_content_type as matches_content_type
from stablehttp.framing._connect_metadata import split_trailers as split_trailers
from stablehttp.framing._connect_outcome import ConnectOutcome as ConnectOutcome
from stablehttp.framing._connect_outcome import read_response as read_response
from stablehttp.framing._connect_readers import ConnectReader as ConnectReader
from stablehttp.framing._connect_readers import StreamReader as StreamReader
from stablehttp.framing._connect_readers import UnaryReader as UnaryReader
from stablehttp.framing._connect_readers import make_reader as make_reader
from stablehttp.framing._errors import ChecksumError as ChecksumError
from stablehttp.framing._errors import EnvelopeError as EnvelopeError
from stablehttp.framing._errors import FrameTooLargeError as FrameTooLargeError
from stablehttp.framing._errors import InvalidFrameError as InvalidFrameError
from stablehttp.framing._errors import StreamFormatError as StreamFormatError
from stablehttp.framing._errors import TruncatedStreamError as TruncatedStreamError
from stablehttp.framing._event_handlers import EventHandlers as EventHandlers
from stablehttp.framing._event_stream import EventStreamDecoder as EventStreamDecoder
from stablehttp.framing._event_stream import encode_event_message as encode_event_message
from stablehttp.framing._event_stream_headers import decode_event_headers as decode_event_headers
from stablehttp.framing._event_stream_headers import encode_event_headers as encode_event_headers
from stablehttp.framing._event_stream_messages import EventHeader as EventHeader
from stablehttp.framing._event_stream_messages import EventMessage as EventMessage
from stablehttp.framing._event_stream_messages import HeaderType as HeaderType
from stablehttp.framing._event_stream_messages import HeaderValue as HeaderValue
from stablehttp.framing._events import INITIAL_REQUEST as INITIAL_REQUEST
from stablehttp.framing._events import INITIAL_RESPONSE as INITIAL_RESPONSE
from stablehttp.framing._events import ErrorEvent as ErrorEvent
from stablehttp.framing._events import Event as Event
from stablehttp.framing._events import EventReader as EventReader
from stablehttp.framing._events import EventStreamError as EventStreamError
from stablehttp.framing._events import ExceptionEvent as ExceptionEvent
from stablehttp.framing._events import InitialResponse as InitialResponse
from stablehttp.framing._events import StreamEvent as StreamEvent
from stablehttp.framing._events import check_event as check_event
from stablehttp.framing._events import classify_message as classify_message
from stablehttp.framing._events import make_event as make_event
from stablehttp.framing._limits import CONNECT_MESSAGE_LIMIT as CONNECT_MESSAGE_LIMIT
from stablehttp.framing._limits import EventStreamLimits as EventStreamLimits
from stablehttp.framing._limits import ServerSentEventLimits as ServerSentEventLimits
from stablehttp.framing._sse import ServerSentEvent as ServerSentEvent
from stablehttp.framing._sse import ServerSentEventDecoder as ServerSentEventDecoder
