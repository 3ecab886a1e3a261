"""A method of a service: where it is, and how its messages become octets.

Floor 14: stands on errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, cast, final, overload

from stablehttp._content import BytesLike
from stablehttp._errors import InvalidBodyError, InvalidMessageError
from stablehttp._grammar import is_token

In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)


@final
class ConnectMethod(Generic[In_contra, Out_co]):
    """A method of a service, by its path, `package.Service/Method`.

    `codec` is the name that stands in the content type, "proto" or "json" for example.  `encode` makes
    octets of a message that is sent, `decode` makes a message of octets that came; without them
    messages are octets.
    """

    __slots__ = ("codec", "decode", "encode", "path")

    @overload
    def __init__(self: ConnectMethod[bytes, bytes], path: str, *, codec: str) -> None: ...
    @overload
    def __init__(
        self,
        path: str,
        *,
        codec: str,
        encode: Callable[[In_contra], bytes],
        decode: Callable[[bytes], Out_co],
    ) -> None: ...
    def __init__(
        self,
        path: str,
        *,
        codec: str,
        encode: Callable[[In_contra], bytes] | None = None,
        decode: Callable[[bytes], Out_co] | None = None,
    ) -> None:
        """Name a method.

        Raises:
            InvalidMessageError: `path` or `codec` cannot be one.
        """
        service, _, name = path.removeprefix("/").rpartition("/")
        if not service or not name:
            raise InvalidMessageError(f"a method is named 'package.Service/Method', not {path!r:.80}")
        if not is_token(codec):
            raise InvalidMessageError(f"a codec is named by a token, 'proto' or 'json' for example, not {codec!r:.40}")
        self.path: str = "/" + path.removeprefix("/")
        self.codec: str = codec
        self.encode: Callable[[In_contra], bytes] = encode or cast("Callable[[In_contra], bytes]", _as_octets)
        self.decode: Callable[[bytes], Out_co] = decode or cast("Callable[[bytes], Out_co]", bytes)

    def octets(self, message: In_contra) -> bytes:
        """`message` as octets.

        Raises:
            InvalidBodyError: `encode` gave something else.
        """
        octets: object = self.encode(message)
        if type(octets) is bytes:
            return octets
        if not isinstance(octets, (bytes, bytearray, memoryview)):
            raise InvalidBodyError(
                f"a message for {self.path!r} became a {type(octets).__name__}, and messages are sent as bytes; "
                "give bytes, or an encode= that makes them",
                where="message",
            )
        return bytes(cast(BytesLike, octets))

    def __repr__(self) -> str:
        return f"<ConnectMethod {self.path} in {self.codec}>"


def _as_octets(message: object) -> object:
    return message
