"""HTTP message signatures (RFC 9421): the signature base, and a signer that sets the two fields.

Floor 2: stands on components, keys and structured fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias, final

from stablehttp._errors import SigningError
from stablehttp.signers._clock import as_utc
from stablehttp.signers._content_digest import HASHLIB_NAMES, DigestAlgorithm, content_digest_of
from stablehttp.signers._message_components import Component, component_value
from stablehttp.signers._message_key import MessageKey
from stablehttp.signers._message_parts import MessageParts, RequestParts
from stablehttp.signers._protocol import SigningChanges
from stablehttp.signers._structured import (
    Parameters,
    StructuredKind,
    inner_list_text,
    item_text,
    parse_inner_lists,
    without_member,
)

Covered: TypeAlias = Sequence[Component | str]
"""What a signature covers, in order; text is read by `Component.parse`."""

_NO_STRUCTURES: Final[Mapping[str, StructuredKind]] = {}
_IMPLIED: Final = {
    "@target-uri": ("@authority", "@request-target"),
    "@scheme": ("@authority",),
    "@path": ("@request-target",),
    "@query": ("@request-target",),
    "@query-param": ("@request-target",),
}


def signature_base(
    message: MessageParts,
    covered: Covered,
    parameters: Parameters,
    *,
    structures: Mapping[str, StructuredKind] = _NO_STRUCTURES,
) -> str:
    """Give the text that a key signs, which a verifier makes anew from the message.

    `parameters` are those of the signature in order; `structures` tells the kind of structured
    fields that are covered strictly and are not widely known.

    Raises:
        SigningError: a component is missing, covered twice, or cannot be read as asked for.
    """
    components = _components(covered)
    lines = [f"{component}: {component_value(component, message, structures)}\n" for component in components]
    return f'{"".join(lines)}"@signature-params": {_signature_input(components, parameters)}'


def read_signature_input(value: str) -> dict[str, tuple[list[Component], Parameters]]:
    """Read the value of `Signature-Input`: for each label what is covered, and the parameters.

    Raises:
        SigningError: the value breaks the grammar.
    """
    return {
        label: ([Component(*item) for item in items], parameters)
        for label, (items, parameters) in parse_inner_lists(value).items()
    }


@final
class MessageSigner:
    """Sets `Signature-Input` and `Signature`, beside the signatures of others under other labels.

    With `digest` it sets `Content-Digest` too, from the digest of the content that `sign` is given.
    `lifetime` counts seconds until the signature expires; `nonce` makes a new one for each signature.
    """

    __slots__ = ("_components", "_digest", "_key", "_label", "_lifetime", "_nonce", "_structures", "_words")

    def __init__(
        self,
        key: MessageKey,
        *,
        covered: Covered,
        key_id: str | None = None,
        algorithm: Literal["named", "unnamed"] = "unnamed",
        label: str = "sig1",
        tag: str | None = None,
        lifetime: int | None = None,
        nonce: Callable[[], str] | None = None,
        digest: DigestAlgorithm | None = None,
        structures: Mapping[str, StructuredKind] = _NO_STRUCTURES,
    ) -> None:
        words = {"keyid": key_id, "alg": key.algorithm if algorithm == "named" else None, "tag": tag}
        self._words = {name: text for name, text in words.items() if text is not None}
        self._components = _components(covered)
        self._key, self._label = key, label
        self._digest: DigestAlgorithm | None = digest
        self._lifetime, self._nonce, self._structures = lifetime, nonce, structures

    def __repr__(self) -> str:
        return f"<MessageSigner {self._label!r}, {self._key.algorithm}, {len(self._components)} components>"

    @property
    def name(self) -> str:
        """What this signer is called in messages."""
        return f"message signature {self._label!r}"

    @property
    def content_digest(self) -> str | None:
        """The `hashlib` name of the digest that `sign` needs, or None."""
        return None if self._digest is None else HASHLIB_NAMES[self._digest]

    def sign(
        self,
        method: str,
        origin: str,
        target: str,
        fields: Iterable[tuple[str, str]],
        *,
        content_digest: str | None = None,
        now: datetime,
    ) -> SigningChanges:
        """Sign these strings; an earlier signature under the same label is replaced.

        Raises:
            SigningError: what was given cannot be signed.
        """
        added = self._digest_lines(content_digest)
        lines = [line for line in fields if not added or line[0].lower() != "content-digest"]
        message = RequestParts(method, origin, target, (*lines, *added))
        parameters = self._parameters(now)
        base = signature_base(message, self._components, parameters, structures=self._structures)
        signature = self._key.sign(base.encode())
        stands = _signature_input(self._components, parameters)
        return SigningChanges(
            remove=(*(["content-digest"] if added else []), "signature-input", "signature"),
            set=(
                *added,
                ("Signature-Input", self._beside_others("signature-input", lines, stands)),
                ("Signature", self._beside_others("signature", lines, item_text(signature, {}))),
            ),
            covered=_covered(self._components),
            signature=signature.hex(),
        )

    def _digest_lines(self, digest: str | None) -> tuple[tuple[str, str], ...]:
        if self._digest is None:
            return ()
        if digest is None:
            raise SigningError(
                f"{self.name} sets Content-Digest, and this content has no digest beforehand; "
                "give content_digest, send content that can be read twice, or do without digest"
            )
        return (("Content-Digest", content_digest_of(digest, self._digest)),)

    def _parameters(self, now: datetime) -> Parameters:
        created = int(as_utc(now).timestamp())
        tag = self._words.get("tag")
        return {
            "created": created,
            **{name: text for name, text in self._words.items() if name != "tag"},
            **({} if self._lifetime is None else {"expires": created + self._lifetime}),
            **({} if self._nonce is None else {"nonce": self._nonce()}),
            **({} if tag is None else {"tag": tag}),
        }

    def _beside_others(self, name: str, lines: Sequence[tuple[str, str]], value: str) -> str:
        present = ", ".join([line_value for line_name, line_value in lines if line_name.lower() == name])
        others = without_member(present, self._label) if present.strip() else ""
        return f"{others}{', ' if others else ''}{self._label}={value}"


def _components(covered: Covered) -> tuple[Component, ...]:
    components = tuple(part if isinstance(part, Component) else Component.parse(part) for part in covered)
    identifiers = [(part.name, frozenset(part.parameters.items())) for part in components]
    for part, identifier in zip(components, identifiers, strict=True):
        if identifiers.count(identifier) > 1 or part.name == "@signature-params":
            raise SigningError(f"component {part} is covered twice; name it once (RFC 9421 §2.5)")
    return components


def _signature_input(components: Sequence[Component], parameters: Parameters) -> str:
    return inner_list_text([(part.name, part.parameters) for part in components], parameters)


def _covered(components: Sequence[Component]) -> frozenset[str]:
    names: set[str] = set()
    for part in components:
        if "req" not in part.parameters and "tr" not in part.parameters:
            names.update(_IMPLIED.get(part.name, (part.name,)))
    return frozenset(names | ({"@content"} if "content-digest" in names else set()))
