from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from enum import IntEnum

from awscrt.io import ClientBootstrap, InputStream, Readable, SocketOptions, TlsConnectionOptions

class HttpVersion(IntEnum):
    Unknown = 0
    Http1_0 = 1
    Http1_1 = 2
    Http2 = 3

class Http2SettingID(IntEnum):
    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6

class Http2Setting:
    id: Http2SettingID
    value: int

class HttpProxyConnectionType(IntEnum):
    Legacy = 0
    Forwarding = 1
    Tunneling = 2

class HttpProxyAuthenticationType(IntEnum):
    Nothing = 0
    Basic = 1

class HttpProxyOptions:
    def __init__(
        self,
        host_name: str,
        port: int,
        tls_connection_options: TlsConnectionOptions | None = None,
        auth_type: HttpProxyAuthenticationType = ...,
        auth_username: str | None = None,
        auth_password: str | None = None,
        connection_type: HttpProxyConnectionType = ...,
    ) -> None: ...

class HttpHeaders:
    def __init__(self, name_value_pairs: Sequence[tuple[str, str]] | None = None) -> None: ...
    def __iter__(self) -> Iterator[tuple[str, str]]: ...

class HttpRequest:
    method: str
    path: str
    def __init__(
        self,
        method: str = "GET",
        path: str = "/",
        headers: HttpHeaders | None = None,
        body_stream: InputStream | Readable | None = None,
    ) -> None: ...
    @property
    def headers(self) -> HttpHeaders: ...
    @property
    def body_stream(self) -> InputStream | None: ...
    @body_stream.setter
    def body_stream(self, stream: InputStream | Readable) -> None: ...

class HttpConnectionBase:
    @property
    def shutdown_future(self) -> Future[None]: ...
    @property
    def version(self) -> HttpVersion: ...
    def is_open(self) -> bool: ...

class HttpClientStreamBase:
    @property
    def completion_future(self) -> Future[int]: ...
    def update_window(self, increment_size: int) -> None: ...

class HttpClientStream(HttpClientStreamBase):
    def activate(self) -> None: ...

class Http2ClientStream(HttpClientStreamBase):
    @property
    def remote_end_stream_future(self) -> Future[None]: ...
    def activate(self) -> None: ...
    def write_data(self, data_stream: InputStream | Readable | None, end_stream: bool = False) -> Future[None]: ...

class HttpClientConnection(HttpConnectionBase):
    # where TLS agreed on HTTP/2, the future gives a Http2ClientConnection
    @classmethod
    def new(
        cls,
        host_name: str,
        port: int,
        bootstrap: ClientBootstrap | None = None,
        socket_options: SocketOptions | None = None,
        tls_connection_options: TlsConnectionOptions | None = None,
        proxy_options: HttpProxyOptions | None = None,
        manual_window_management: bool = False,
        initial_window_size: int | None = None,
        read_buffer_capacity: int | None = None,
    ) -> Future[HttpClientConnection | Http2ClientConnection]: ...
    def request(
        self,
        request: HttpRequest,
        on_response: Callable[..., None] | None = None,
        on_body: Callable[..., None] | None = None,
    ) -> HttpClientStream: ...
    def close(self) -> Future[None]: ...

class Http2ClientConnection(HttpConnectionBase):
    @classmethod
    def new(
        cls,
        host_name: str,
        port: int,
        bootstrap: ClientBootstrap | None = None,
        socket_options: SocketOptions | None = None,
        tls_connection_options: TlsConnectionOptions | None = None,
        proxy_options: HttpProxyOptions | None = None,
        initial_settings: list[Http2Setting] | None = None,
        on_remote_settings_changed: Callable[[list[Http2Setting]], None] | None = None,
        manual_window_management: bool = False,
        initial_window_size: int | None = None,
    ) -> Future[HttpClientConnection | Http2ClientConnection]: ...
    def request(
        self,
        request: HttpRequest,
        on_response: Callable[..., None] | None = None,
        on_body: Callable[..., None] | None = None,
        manual_write: bool = False,
    ) -> Http2ClientStream: ...
    def close(self) -> Future[None]: ...
