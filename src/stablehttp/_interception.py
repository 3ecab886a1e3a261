"""Interceptors: what other people do to a request on its way, and may see of it.

Floor 7: stands on messages.

Hooks are synchronous.  A `modify_` hook changes what it is given in place, or returns a
replacement; a `read_` hook only looks.  They get the pipeline's own derived request, never the
caller's.  Which hooks an interceptor has is found out once, when a pipeline is made, so a hook
that nobody has costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar, final

from stablehttp._errors import Answer, MisuseError
from stablehttp._http_version import HttpVersion
from stablehttp._message import AnyRequest, Request, view_request
from stablehttp._response import AnyResponse, Response, view_response

M = TypeVar("M", AnyRequest, AnyResponse)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How one attempt to send ended.

    `seconds` is the time to the response head, or to the failure; with a sink, to the end of the content.
    `started` is the Unix time of its beginning.  The lengths are octets of content, as far as they are
    known: what the body of the request tells, and what the head of the response declares.
    """

    method: str
    origin: str
    status: int | None = None
    http_version: HttpVersion | None = None
    reused: bool | None = None
    sent: Answer = "yes"
    processed: Answer = "yes"
    error: BaseException | None = None
    seconds: float = 0.0
    started: float = 0.0
    request_length: int | None = None
    response_length: int | None = None


class Interceptor:
    """Inherit from this and override the hooks that are needed; they run in the order written here."""

    def modify_before_signing(self, request: AnyRequest) -> AnyRequest | None:
        """Change the request before it is completed and signed: the place to add fields."""

    def read_before_signing(self, request: AnyRequest) -> None:
        """Look at the completed request, as the signer will see it."""

    def read_after_signing(self, request: AnyRequest) -> None:
        """Look at the signed request."""

    def modify_before_transmit(self, request: AnyRequest) -> None:
        """Change what no signature covers; anything else is a `SealedError`."""

    def read_before_transmit(self, request: AnyRequest) -> None:
        """Look at the request as it goes to the connector."""

    def read_after_transmit(self, response: AnyResponse) -> None:
        """Look at the response, whose content has not been read."""

    def modify_response(self, response: AnyResponse) -> AnyResponse | None:
        """Change the response before the caller gets it."""

    def read_after_attempt(self, attempt: Attempt) -> None:
        """Look at how the attempt ended; runs whether it succeeded or failed."""


_LOOKS: Final = "a read_ hook may only look, and the pipeline"
_HOOKS: Final = tuple(name for name in vars(Interceptor) if name.startswith(("modify_", "read_")))


@final
class Interceptors:
    """The hooks of several interceptors, each stage with those that have it, in order."""

    __slots__ = ("_hooks",)

    def __init__(self, interceptors: Iterable[Interceptor] = ()) -> None:
        """Find out which hooks there are.

        Raises:
            MisuseError: one of them has no hook at all.
        """
        found: dict[str, list[Interceptor]] = {}
        for interceptor in interceptors:
            names = [name for name in _HOOKS if _has(interceptor, name)]
            if not names:
                raise MisuseError(
                    f"{type(interceptor).__name__} has no hook; inherit from Interceptor and override one of "
                    + ", ".join(_HOOKS)
                )
            for name in names:
                found.setdefault(name, []).append(interceptor)
        self._hooks = found

    def followed_by(self, interceptors: Iterable[Interceptor]) -> Interceptors:
        """The hooks of these and then of `interceptors`.

        Raises:
            MisuseError: one of them has no hook at all.
        """
        both = Interceptors(interceptors)
        if self._hooks:
            both._hooks = {name: self._hooks.get(name, []) + both._hooks.get(name, []) for name in _HOOKS}
            both._hooks = {name: found for name, found in both._hooks.items() if found}
        return both

    def modify_before_signing(self, request: AnyRequest) -> AnyRequest:
        """Run the hooks; the last replacement wins."""
        for interceptor in self._hooks.get("modify_before_signing", ()):
            after = interceptor.modify_before_signing(request)
            if after is not None:
                request = _replaced(interceptor, request, after, Request)
        return request

    def read_before_signing(self, request: AnyRequest) -> None:
        """Run the hooks."""
        for interceptor in self._hooks.get("read_before_signing", ()):
            interceptor.read_before_signing(view_request(request, _LOOKS))

    def read_after_signing(self, request: AnyRequest) -> None:
        """Run the hooks."""
        for interceptor in self._hooks.get("read_after_signing", ()):
            interceptor.read_after_signing(view_request(request, _LOOKS))

    def modify_before_transmit(self, request: AnyRequest) -> None:
        """Run the hooks."""
        for interceptor in self._hooks.get("modify_before_transmit", ()):
            interceptor.modify_before_transmit(request)

    def read_before_transmit(self, request: AnyRequest) -> None:
        """Run the hooks."""
        for interceptor in self._hooks.get("read_before_transmit", ()):
            interceptor.read_before_transmit(view_request(request, _LOOKS))

    def read_after_transmit(self, response: AnyResponse) -> None:
        """Run the hooks."""
        for interceptor in self._hooks.get("read_after_transmit", ()):
            interceptor.read_after_transmit(view_response(response, _LOOKS))

    def modify_response(self, response: AnyResponse) -> AnyResponse:
        """Run the hooks; the last replacement wins."""
        for interceptor in self._hooks.get("modify_response", ()):
            after = interceptor.modify_response(response)
            if after is not None:
                response = _replaced(interceptor, response, after, Response)
        return response

    def read_after_attempt(self, attempt: Attempt) -> None:
        """Run the hooks."""
        for interceptor in self._hooks.get("read_after_attempt", ()):
            interceptor.read_after_attempt(attempt)

    @property
    def watches_attempts(self) -> bool:
        """Whether anybody wants to know how an attempt ended."""
        return "read_after_attempt" in self._hooks


def _has(interceptor: object, name: str) -> bool:
    own = getattr(type(interceptor), name, None)
    return own is not None and own is not getattr(Interceptor, name)


def _replaced(interceptor: object, before: M, after: object, kind: type) -> M:
    if after is before:
        return before
    if not isinstance(after, kind):
        raise MisuseError(
            f"a hook of {type(interceptor).__name__} returned a {type(after).__name__}; "
            f"return a {kind.__name__}, or nothing if it was changed in place"
        )
    return after  # type: ignore[return-value]
