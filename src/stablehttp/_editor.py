"""A narrow editor of one request, for who may add a field and no more.

Floor 6: stands on messages, field values and errors.

An SDK that lets its callers customise one call hands them this and not the request: what it offers
cannot change where the request goes, where it ends, or what it says.  It works for the length of the
call only, so that nothing changes behind the back of a signer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Final, TypeAlias, cast, final

from stablehttp._errors import MisuseError, SealedError
from stablehttp._field_value import check_name, fold
from stablehttp._grammar import FORBIDDEN_IN_HTTP2
from stablehttp._message import AnyRequest

NOT_FOR_EDITORS: Final = FORBIDDEN_IN_HTTP2 | {
    "host", "content-length", "transfer-encoding", "trailer", "te", "expect", "http2-settings", "proxy-authorization",
}  # fmt: skip
"""Lower-case names of fields that say where a message goes, where it ends, and what its connection does."""


@final
class RequestEditor:
    """What one call may change of its request: the header lines that neither route it nor frame it.

    Method, URI, body and trailers are the SDK's; method and origin can be looked at.  Each change is
    checked and makes itself wholly or not at all, as in `Fields`.
    """

    __slots__ = ("_request",)

    def __init__(self, request: AnyRequest) -> None:
        self._request: AnyRequest | None = request

    @property
    def method(self) -> str:
        """The method of the request."""
        return self._open().method

    @property
    def origin(self) -> str:
        """Scheme, host and port that the request goes to."""
        return self._open().uri.origin

    def values(self, name: str) -> tuple[str, ...]:
        """The values of all header lines called `name`, in order; empty if there is none."""
        return self._open().headers.values(name)

    def __contains__(self, name: object) -> bool:
        return name in self._open().headers

    def add(self, name: str, value: str | bytes) -> None:
        """Append a header line; lines of the same name stay.

        Raises:
            InvalidFieldError: `name` or `value` is invalid; nothing has changed.
            SealedError: the field routes or frames the message, or may not change any more.
        """
        self._allow(name, check_name(name)).headers.add(name, value)

    def set(self, name: str, value: str | bytes) -> None:
        """Replace every header line called `name` by one line, in the place of the first, or append it.

        Raises:
            InvalidFieldError: `name` or `value` is invalid; nothing has changed.
            SealedError: the field routes or frames the message, or may not change any more.
        """
        self._allow(name, check_name(name)).headers.set(name, value)

    def remove(self, name: str) -> tuple[str, ...]:
        """Take out all header lines called `name`, if there are any, and give back their values.

        Raises:
            SealedError: the field routes or frames the message, or may not change any more.
        """
        return self._allow(name, fold(name)).headers.remove(name)

    def __repr__(self) -> str:
        return "<RequestEditor, closed>" if self._request is None else f"<RequestEditor of {self._request!r}>"

    def _open(self) -> AnyRequest:
        if self._request is None:
            raise MisuseError(
                "a RequestEditor works only while the function that it was given to runs; make the change there"
            )
        return self._request

    def _allow(self, name: str, folded: str) -> AnyRequest:
        request = self._open()
        if folded in NOT_FOR_EDITORS:
            raise SealedError(
                f"field {name!r} is not for one call to change: where the message goes and where it ends depends "
                "on it; leave it to the library that makes the request, or change it in an interceptor",
                part=folded,
                sealed_by="the editor",
            )
        return request


EditorFunction: TypeAlias = Callable[[RequestEditor], object]
"""What customises one call: it gets the editor and returns nothing."""


def apply_editor(request: AnyRequest, function: EditorFunction) -> None:
    """Let `function` change `request` through an editor, which works no longer than that.

    If `function` raises, what it had changed stays: give it a request that is thrown away then.

    Raises:
        MisuseError: `function` is asynchronous, so that its changes would come too late.
    """
    editor = RequestEditor(request)
    try:
        returned = function(editor)
    finally:
        editor._request = None
    if isinstance(returned, Awaitable):
        if isinstance(returned, Coroutine):
            cast("Coroutine[object, object, object]", returned).close()
        raise MisuseError("an editor function is asynchronous, and a request is edited at once; give a plain function")
