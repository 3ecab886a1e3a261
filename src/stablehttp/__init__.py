"""HTTP types that SDKs can stand on: build a request, intercept it, sign it, send it.

The names here are loaded when they are first used, so importing the package loads no HTTP client,
no event loop and no TLS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stablehttp._aws_chunked import aws_chunked as aws_chunked
    from stablehttp._body import AsyncBody as AsyncBody
    from stablehttp._body import AsyncIterableBody as AsyncIterableBody
    from stablehttp._body import AsyncReader as AsyncReader
    from stablehttp._body import AsyncReaderBody as AsyncReaderBody
    from stablehttp._body import BinaryFile as BinaryFile
    from stablehttp._body import Body as Body
    from stablehttp._body import BytesBody as BytesBody
    from stablehttp._body import DualBody as DualBody
    from stablehttp._body import FileBody as FileBody
    from stablehttp._body import IterableBody as IterableBody
    from stablehttp._body import PushedBody as PushedBody
    from stablehttp._body import Reader as Reader
    from stablehttp._body import ReaderBody as ReaderBody
    from stablehttp._body import SyncBody as SyncBody
    from stablehttp._body import normalize_body as normalize_body
    from stablehttp._call_options import CallOptions as CallOptions
    from stablehttp._capability import Capability as Capability
    from stablehttp._client_package import ClientPackage as ClientPackage
    from stablehttp._completion import apply_content_type as apply_content_type
    from stablehttp._completion import apply_framing as apply_framing
    from stablehttp._computed_trailers import with_checksum as with_checksum
    from stablehttp._computed_trailers import with_trailers as with_trailers
    from stablehttp._connector_cache import AsyncConnectorCache as AsyncConnectorCache
    from stablehttp._connector_cache import SyncConnectorCache as SyncConnectorCache
    from stablehttp._connectors import AsyncConnector as AsyncConnector
    from stablehttp._connectors import AsyncTransport as AsyncTransport
    from stablehttp._connectors import DuplexClientTransport as DuplexClientTransport
    from stablehttp._connectors import Limits as Limits
    from stablehttp._connectors import MakeConnector as MakeConnector
    from stablehttp._connectors import MakeSyncConnector as MakeSyncConnector
    from stablehttp._connectors import SyncConnector as SyncConnector
    from stablehttp._connectors import SyncTransport as SyncTransport
    from stablehttp._content_coding import adecoded as adecoded
    from stablehttp._content_coding import decoded as decoded
    from stablehttp._editor import EditorFunction as EditorFunction
    from stablehttp._editor import RequestEditor as RequestEditor
    from stablehttp._errors import AmbiguousFieldError as AmbiguousFieldError
    from stablehttp._errors import BodyColourError as BodyColourError
    from stablehttp._errors import BodyTakenError as BodyTakenError
    from stablehttp._errors import CertificateError as CertificateError
    from stablehttp._errors import ClosedError as ClosedError
    from stablehttp._errors import ConnectError as ConnectError
    from stablehttp._errors import ConnectRefusedError as ConnectRefusedError
    from stablehttp._errors import ConnectTimeoutError as ConnectTimeoutError
    from stablehttp._errors import ContentDecodingError as ContentDecodingError
    from stablehttp._errors import ContentLengthError as ContentLengthError
    from stablehttp._errors import ContentTooLargeError as ContentTooLargeError
    from stablehttp._errors import DisconnectedError as DisconnectedError
    from stablehttp._errors import ForeignLoopError as ForeignLoopError
    from stablehttp._errors import FramingError as FramingError
    from stablehttp._errors import HTTPTimeoutError as HTTPTimeoutError
    from stablehttp._errors import IncompleteResponseError as IncompleteResponseError
    from stablehttp._errors import InvalidBodyError as InvalidBodyError
    from stablehttp._errors import InvalidFieldError as InvalidFieldError
    from stablehttp._errors import InvalidFieldsError as InvalidFieldsError
    from stablehttp._errors import InvalidMessageError as InvalidMessageError
    from stablehttp._errors import InvalidMethodError as InvalidMethodError
    from stablehttp._errors import InvalidResponseError as InvalidResponseError
    from stablehttp._errors import InvalidStatusError as InvalidStatusError
    from stablehttp._errors import InvalidURIError as InvalidURIError
    from stablehttp._errors import MissingExtraError as MissingExtraError
    from stablehttp._errors import MisuseError as MisuseError
    from stablehttp._errors import NameResolutionError as NameResolutionError
    from stablehttp._errors import NegotiationError as NegotiationError
    from stablehttp._errors import NoConnectorError as NoConnectorError
    from stablehttp._errors import PeerEndedError as PeerEndedError
    from stablehttp._errors import PoolTimeoutError as PoolTimeoutError
    from stablehttp._errors import ReadTimeoutError as ReadTimeoutError
    from stablehttp._errors import ResponseHead as ResponseHead
    from stablehttp._errors import SealedError as SealedError
    from stablehttp._errors import SectionTooLargeError as SectionTooLargeError
    from stablehttp._errors import SigningError as SigningError
    from stablehttp._errors import SinkError as SinkError
    from stablehttp._errors import StableHTTPError as StableHTTPError
    from stablehttp._errors import TLSError as TLSError
    from stablehttp._errors import TotalTimeoutError as TotalTimeoutError
    from stablehttp._errors import TrailersUnavailableError as TrailersUnavailableError
    from stablehttp._errors import TransportError as TransportError
    from stablehttp._errors import UnknownLengthError as UnknownLengthError
    from stablehttp._errors import UnsupportedTransportError as UnsupportedTransportError
    from stablehttp._errors import WriteTimeoutError as WriteTimeoutError
    from stablehttp._event_reading import aread_events as aread_events
    from stablehttp._event_reading import read_events as read_events
    from stablehttp._event_streams import EventStream as EventStream
    from stablehttp._event_streams import as_event_stream as as_event_stream
    from stablehttp._event_streams import with_events as with_events
    from stablehttp._exchange import Duplex as Duplex
    from stablehttp._exchange import Exchange as Exchange
    from stablehttp._extensions import Extensions as Extensions
    from stablehttp._field_syntax import MediaType as MediaType
    from stablehttp._field_syntax import format_http_date as format_http_date
    from stablehttp._field_syntax import join_list as join_list
    from stablehttp._field_syntax import parse_http_date as parse_http_date
    from stablehttp._field_syntax import quote as quote
    from stablehttp._field_syntax import split_list as split_list
    from stablehttp._field_syntax import unquote as unquote
    from stablehttp._field_value import FieldValue as FieldValue
    from stablehttp._field_value import secret as secret
    from stablehttp._fields import FieldEntry as FieldEntry
    from stablehttp._fields import Fields as Fields
    from stablehttp._forms import AsyncMultipartBody as AsyncMultipartBody
    from stablehttp._forms import FormBody as FormBody
    from stablehttp._forms import MultipartBody as MultipartBody
    from stablehttp._forms import Part as Part
    from stablehttp._forms import SyncMultipartBody as SyncMultipartBody
    from stablehttp._frames import AsyncFramesBody as AsyncFramesBody
    from stablehttp._frames import Frame as Frame
    from stablehttp._frames import FramesBody as FramesBody
    from stablehttp._frames import aframes as aframes
    from stablehttp._frames import frames as frames
    from stablehttp._grammar import SINGLE_FIELDS as SINGLE_FIELDS
    from stablehttp._http_version import HttpVersion as HttpVersion
    from stablehttp._informational import InformationalHook as InformationalHook
    from stablehttp._interception import Attempt as Attempt
    from stablehttp._interception import Interceptor as Interceptor
    from stablehttp._lazy_names import lazy_names as lazy_names
    from stablehttp._makers import Maker as Maker
    from stablehttp._message import AnyRequest as AnyRequest
    from stablehttp._message import Request as Request
    from stablehttp._message import RequestParts as RequestParts
    from stablehttp._operation import Operation as Operation
    from stablehttp._operation import OperationKind as OperationKind
    from stablehttp._pipeline import AsyncPipeline as AsyncPipeline
    from stablehttp._pipeline import SyncPipeline as SyncPipeline
    from stablehttp._protocol_versions import ProtocolVersions as ProtocolVersions
    from stablehttp._protocol_versions import minimum_versions as minimum_versions
    from stablehttp._reading import DEFAULT_LINE_LIMIT as DEFAULT_LINE_LIMIT
    from stablehttp._redaction import SECRET_FIELDS as SECRET_FIELDS
    from stablehttp._redaction import SECRET_PARAMETERS as SECRET_PARAMETERS
    from stablehttp._requirements import ConnectorRequirements as ConnectorRequirements
    from stablehttp._response import DEFAULT_ERROR_LIMIT as DEFAULT_ERROR_LIMIT
    from stablehttp._response import DEFAULT_READ_LIMIT as DEFAULT_READ_LIMIT
    from stablehttp._response import AnyResponse as AnyResponse
    from stablehttp._response import ConnectionInfo as ConnectionInfo
    from stablehttp._response import Response as Response
    from stablehttp._selection import Choice as Choice
    from stablehttp._selection import best_available as best_available
    from stablehttp._selection import explain_choice as explain_choice
    from stablehttp._selection import installed_makers as installed_makers
    from stablehttp._selection import make_connector as make_connector
    from stablehttp._selection import make_sync_connector as make_sync_connector
    from stablehttp._server_sent_events import AsyncServerSentEvents as AsyncServerSentEvents
    from stablehttp._server_sent_events import SyncServerSentEvents as SyncServerSentEvents
    from stablehttp._settings import HttpSettings as HttpSettings
    from stablehttp._settings import Timeouts as Timeouts
    from stablehttp._settings import TLSSettings as TLSSettings
    from stablehttp._sinks import AsyncSink as AsyncSink
    from stablehttp._sinks import AsyncSinkInput as AsyncSinkInput
    from stablehttp._sinks import CallbackSink as CallbackSink
    from stablehttp._sinks import Sink as Sink
    from stablehttp._sinks import SinkInput as SinkInput
    from stablehttp._snapshot import SNAPSHOT_VERSION as SNAPSHOT_VERSION
    from stablehttp._snapshot import RequestSnapshot as RequestSnapshot
    from stablehttp._snapshot import ResponseSnapshot as ResponseSnapshot
    from stablehttp._snapshot import restore_request as restore_request
    from stablehttp._snapshot import restore_response as restore_response
    from stablehttp._snapshot import snapshot_request as snapshot_request
    from stablehttp._snapshot import snapshot_response as snapshot_response
    from stablehttp._sunk import SinkBody as SinkBody
    from stablehttp._taps import Progress as Progress
    from stablehttp._taps import ProgressHook as ProgressHook
    from stablehttp._taps import TrailerComputation as TrailerComputation
    from stablehttp._taps import with_progress as with_progress
    from stablehttp._uri import URI as URI

_HOMES = {
    "_aws_chunked": "aws_chunked",
    "_body": """
        AsyncBody AsyncIterableBody AsyncReader AsyncReaderBody BinaryFile Body BytesBody DualBody FileBody
        IterableBody PushedBody Reader ReaderBody SyncBody normalize_body
    """,
    "_call_options": "CallOptions",
    "_capability": "Capability",
    "_client_package": "ClientPackage",
    "_completion": "apply_content_type apply_framing",
    "_computed_trailers": "with_checksum with_trailers",
    "_connector_cache": "AsyncConnectorCache SyncConnectorCache",
    "_connectors": """
        AsyncConnector AsyncTransport DuplexClientTransport Limits MakeConnector MakeSyncConnector SyncConnector
        SyncTransport
    """,
    "_content_coding": "adecoded decoded",
    "_editor": "EditorFunction RequestEditor",
    "_errors": """
        AmbiguousFieldError BodyColourError BodyTakenError CertificateError ClosedError ConnectError
        ConnectRefusedError ConnectTimeoutError ContentDecodingError ContentLengthError ContentTooLargeError
        DisconnectedError ForeignLoopError FramingError HTTPTimeoutError IncompleteResponseError InvalidBodyError
        InvalidFieldError InvalidFieldsError InvalidMessageError InvalidMethodError InvalidResponseError
        InvalidStatusError InvalidURIError MissingExtraError MisuseError NameResolutionError NegotiationError
        NoConnectorError PeerEndedError PoolTimeoutError ReadTimeoutError ResponseHead SealedError SectionTooLargeError
        SigningError SinkError StableHTTPError TLSError TotalTimeoutError TrailersUnavailableError TransportError
        UnknownLengthError UnsupportedTransportError WriteTimeoutError
    """,
    "_event_reading": "aread_events read_events",
    "_event_streams": "EventStream as_event_stream with_events",
    "_exchange": "Duplex Exchange",
    "_extensions": "Extensions",
    "_field_syntax": "MediaType format_http_date join_list parse_http_date quote split_list unquote",
    "_field_value": "FieldValue secret",
    "_fields": "FieldEntry Fields",
    "_forms": "AsyncMultipartBody FormBody MultipartBody Part SyncMultipartBody",
    "_grammar": "SINGLE_FIELDS",
    "_http_version": "HttpVersion",
    "_informational": "InformationalHook",
    "_interception": "Attempt Interceptor",
    "_lazy_names": "lazy_names",
    "_makers": "Maker",
    "_message": "AnyRequest Request RequestParts",
    "_operation": "Operation OperationKind",
    "_pipeline": "AsyncPipeline SyncPipeline",
    "_protocol_versions": "ProtocolVersions minimum_versions",
    "_reading": "DEFAULT_LINE_LIMIT",
    "_redaction": "SECRET_FIELDS SECRET_PARAMETERS",
    "_response": "AnyResponse ConnectionInfo DEFAULT_ERROR_LIMIT DEFAULT_READ_LIMIT Response",
    "_requirements": "ConnectorRequirements",
    "_selection": """
        Choice best_available explain_choice installed_makers make_connector make_sync_connector
    """,
    "_server_sent_events": "AsyncServerSentEvents SyncServerSentEvents",
    "_settings": "HttpSettings TLSSettings Timeouts",
    "_sinks": "AsyncSink AsyncSinkInput CallbackSink Sink SinkInput",
    "_sunk": "SinkBody",
    "_frames": "AsyncFramesBody Frame FramesBody aframes frames",
    "_snapshot": """
        RequestSnapshot ResponseSnapshot SNAPSHOT_VERSION restore_request restore_response snapshot_request
        snapshot_response
    """,
    "_taps": "Progress ProgressHook TrailerComputation with_progress",
    "_uri": "URI",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "DEFAULT_ERROR_LIMIT",
    "DEFAULT_LINE_LIMIT",
    "DEFAULT_READ_LIMIT",
    "SECRET_FIELDS",
    "SECRET_PARAMETERS",
    "SINGLE_FIELDS",
    "SNAPSHOT_VERSION",
    "URI",
    "AmbiguousFieldError",
    "AnyRequest",
    "AnyResponse",
    "AsyncBody",
    "AsyncConnector",
    "AsyncConnectorCache",
    "AsyncFramesBody",
    "AsyncIterableBody",
    "AsyncMultipartBody",
    "AsyncPipeline",
    "AsyncReader",
    "AsyncReaderBody",
    "AsyncServerSentEvents",
    "AsyncSink",
    "AsyncSinkInput",
    "AsyncTransport",
    "Attempt",
    "BinaryFile",
    "Body",
    "BodyColourError",
    "BodyTakenError",
    "BytesBody",
    "CallOptions",
    "CallbackSink",
    "Capability",
    "CertificateError",
    "Choice",
    "ClientPackage",
    "ClosedError",
    "ConnectError",
    "ConnectRefusedError",
    "ConnectTimeoutError",
    "ConnectionInfo",
    "ConnectorRequirements",
    "ContentDecodingError",
    "ContentLengthError",
    "ContentTooLargeError",
    "DisconnectedError",
    "DualBody",
    "Duplex",
    "DuplexClientTransport",
    "EditorFunction",
    "EventStream",
    "Exchange",
    "Extensions",
    "FieldEntry",
    "FieldValue",
    "Fields",
    "FileBody",
    "ForeignLoopError",
    "FormBody",
    "Frame",
    "FramesBody",
    "FramingError",
    "HTTPTimeoutError",
    "HttpSettings",
    "HttpVersion",
    "IncompleteResponseError",
    "InformationalHook",
    "Interceptor",
    "InvalidBodyError",
    "InvalidFieldError",
    "InvalidFieldsError",
    "InvalidMessageError",
    "InvalidMethodError",
    "InvalidResponseError",
    "InvalidStatusError",
    "InvalidURIError",
    "IterableBody",
    "Limits",
    "MakeConnector",
    "MakeSyncConnector",
    "Maker",
    "MediaType",
    "MissingExtraError",
    "MisuseError",
    "MultipartBody",
    "NameResolutionError",
    "NegotiationError",
    "NoConnectorError",
    "Operation",
    "OperationKind",
    "Part",
    "PeerEndedError",
    "PoolTimeoutError",
    "Progress",
    "ProgressHook",
    "ProtocolVersions",
    "PushedBody",
    "ReadTimeoutError",
    "Reader",
    "ReaderBody",
    "Request",
    "RequestEditor",
    "RequestParts",
    "RequestSnapshot",
    "Response",
    "ResponseHead",
    "ResponseSnapshot",
    "SealedError",
    "SectionTooLargeError",
    "SigningError",
    "Sink",
    "SinkBody",
    "SinkError",
    "SinkInput",
    "StableHTTPError",
    "SyncBody",
    "SyncConnector",
    "SyncConnectorCache",
    "SyncMultipartBody",
    "SyncPipeline",
    "SyncServerSentEvents",
    "SyncTransport",
    "TLSError",
    "TLSSettings",
    "Timeouts",
    "TotalTimeoutError",
    "TrailerComputation",
    "TrailersUnavailableError",
    "TransportError",
    "UnknownLengthError",
    "UnsupportedTransportError",
    "WriteTimeoutError",
    "adecoded",
    "aframes",
    "apply_content_type",
    "apply_framing",
    "aread_events",
    "as_event_stream",
    "aws_chunked",
    "best_available",
    "decoded",
    "explain_choice",
    "format_http_date",
    "frames",
    "installed_makers",
    "join_list",
    "lazy_names",
    "make_connector",
    "make_sync_connector",
    "minimum_versions",
    "normalize_body",
    "parse_http_date",
    "quote",
    "read_events",
    "restore_request",
    "restore_response",
    "secret",
    "snapshot_request",
    "snapshot_response",
    "split_list",
    "unquote",
    "with_checksum",
    "with_events",
    "with_progress",
    "with_trailers",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
