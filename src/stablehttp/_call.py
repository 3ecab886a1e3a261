"""One attempt to send one request: what happens before and after the sending, which awaits nothing.

Floor 12: stands on connectors, interceptors and selection.

`Call` intercepts, completes, checks, signs and wraps in both colours; pipelines read, sign in time and send
between its steps.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import monotonic, time
from typing import Generic, Literal, TypeVar, cast, final

from stablehttp._body import Body
from stablehttp._call_options import CallOptions
from stablehttp._capability import Capability
from stablehttp._completion import complete
from stablehttp._connectors import Connector, check_sendable
from stablehttp._editor import apply_editor
from stablehttp._errors import Answer, StableHTTPError
from stablehttp._exchange import Duplex
from stablehttp._interception import Attempt, Interceptors
from stablehttp._message import AnyRequest, Request, derive, replace_body, seal_whole
from stablehttp._operation import Operation
from stablehttp._received import ReceivedBody
from stablehttp._redaction import redact_uri
from stablehttp._response import Response
from stablehttp._settings import DEFAULT_TIMEOUTS, Timeouts
from stablehttp._signing import sign
from stablehttp._support import check_call, check_duplex
from stablehttp._taps import watched
from stablehttp.signers import Signer

B = TypeVar("B", bound=Body)


def timeouts_for(request: AnyRequest, transport: object, given: Timeouts | None) -> Timeouts | None:
    """The timeouts of a call: its own, else those given, else the default where the connector can keep it.

    Where both directions move at the same time there is no default: they may be silent for as long as they like.
    """
    timeouts = request.extensions.get(Timeouts, given)
    if timeouts is not None or not isinstance(transport, Connector) or Duplex in request.extensions:
        return timeouts
    can_read = all(Capability.READ_TIMEOUT in can for can in transport.capabilities.values())
    return DEFAULT_TIMEOUTS if can_read else None


@final
class Call(Generic[B]):
    """One attempt to send one request."""

    __slots__ = ("_arrived", "_interceptors", "_progress", "_since", "ready", "release", "sink", "transport")

    def __init__(
        self,
        request: Request[B],
        transport: object,
        interceptors: Interceptors,
        check_body: Callable[[Body], None],
        operation: Operation | None,
        options: CallOptions | None,
    ) -> None:
        """Check what is needed of `transport`, and intercept; nothing is read, signed or sent yet.

        Raises:
            UnsupportedTransportError: `transport` cannot do what `operation` or `options` need; no interceptor ran.
        """
        self._since = monotonic()
        check_body(request.body)
        self.transport = transport
        self.release: Callable[[], None] | None = None
        self.sink = None if options is None else options.sink
        self._progress = None if options is None else options.progress
        self._arrived: Response[B] | None = None
        duplex = False
        if request.extensions:
            operation = operation or request.extensions.get(Operation)
            duplex = Duplex in request.extensions
        if operation is not None or options is not None:
            check_call(transport, operation, options)
        if duplex or (operation is not None and operation.kind == "duplex"):
            duplex = True
            check_duplex(transport, operation)
        derived = derive(request)
        if duplex:
            derived.extensions.set(Duplex())
        if operation is not None:
            derived.extensions.set(operation)
        if options is not None:
            if options.timeouts is not None:
                derived.extensions.set(options.timeouts)
            if options.interceptors:
                interceptors = interceptors.followed_by(options.interceptors)
        self._interceptors = interceptors
        changed = cast("Request[B]", interceptors.modify_before_signing(derived))
        self.ready = changed if changed is derived else derive(changed)
        if options is not None and options.editor is not None:
            apply_editor(self.ready, options.editor)
        check_body(self.ready.body)

    def complete(self, timeouts: Timeouts | None) -> None:
        """Complete the request and check it against the transport; then everybody may look at it.

        Raises:
            UnsupportedTransportError: the transport cannot carry it as it stands.
            InvalidMessageError: it cannot be completed.
        """
        transport = self.transport
        complete(self.ready, transport.unavoidable_lines if isinstance(transport, Connector) else ())
        timeouts = timeouts_for(self.ready, self.transport, timeouts)
        check_sendable(self.ready, self.transport, timeouts)
        if timeouts is not None:
            self.ready.extensions.set(timeouts)
        if self._progress is not None and self.ready.body.length != 0:
            replace_body(self.ready, watched(self.ready.body, self._progress, "sent"))
        self._interceptors.read_before_signing(self.ready)

    def sign(self, signer: Signer | None, digest: str | None, now: datetime) -> Request[B]:
        """Sign, run the hooks that follow, and give what goes to the connector."""
        ready: AnyRequest = self.ready
        if signer is not None:
            sign(ready, signer, content_digest=digest, now=now)
        self._interceptors.read_after_signing(ready)
        self._interceptors.modify_before_transmit(ready)
        seal_whole(ready, "the connector that sends it")
        self._interceptors.read_before_transmit(ready)
        return self.ready

    def wrap(self, response: Response[B]) -> Response[B]:
        """Say which request the response answers, and run the hooks that look at it."""
        response.request_method = self.ready.method
        response.request_uri = redact_uri(str(self.ready.uri))
        body: Body = response.body
        if isinstance(body, ReceivedBody):
            body.answers(self.ready.method, self.ready.uri.origin)
            if self.release is not None:
                body.when_closed(self.release)
        elif self.release is not None:
            self.release()
        if self._progress is not None:
            response.watch(self._progress)
        self._arrived = response
        self._interceptors.read_after_transmit(response)
        wrapped = cast("Response[B]", self._interceptors.modify_response(response))
        if self.sink is None:
            self.ended()
        return wrapped

    def ended(self) -> None:
        """Tell who watches attempts that this one went well."""
        if self._interceptors.watches_attempts:
            self._report(self._arrived, None)

    def failed(self, error: BaseException) -> BaseException:
        """Say which request the error is about, give the connector back, and tell who watches attempts."""
        if self.release is not None:
            self.release()
        if isinstance(error, StableHTTPError):
            error.about(self.ready.method, self.ready.uri.origin)
        if self._interceptors.watches_attempts:
            self._report(self._arrived, error)
        return error

    def _report(self, response: Response[B] | None, error: BaseException | None) -> None:
        seconds = monotonic() - self._since
        self._interceptors.read_after_attempt(
            Attempt(
                method=self.ready.method,
                origin=self.ready.uri.origin,
                status=response.status if response is not None else None,
                http_version=response.http_version if response is not None else None,
                reused=response.connection.reused if response is not None else None,
                sent=_answer(error, "sent"),
                processed=_answer(error, "processed"),
                error=error,
                seconds=seconds,
                started=time() - seconds,
                request_length=self.ready.body.length,
                response_length=response.body.length if response is not None else None,
            )
        )


def _answer(error: BaseException | None, name: Literal["sent", "processed"]) -> Answer:
    """What is known after an error: nothing, if it is a cancellation, or comes from the body or a foreign transport."""
    if error is None:
        return "yes"
    if not isinstance(error, StableHTTPError):
        return "maybe"
    return error.sent if name == "sent" else error.processed
