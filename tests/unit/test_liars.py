"""Objects that lie about themselves, change later, or were tampered with: what is stored was checked (U-I1, U-K5)."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator

import pytest

from stablehttp import (
    URI,
    Fields,
    FieldValue,
    InvalidFieldError,
    InvalidMessageError,
    InvalidURIError,
    Request,
    SealedError,
    secret,
)
from stablehttp._message import view_request


class Text(str):
    """Says that it is something else, whoever asks."""

    __slots__ = ()

    def __str__(self) -> str:
        return "a\r\nX-Evil: 1"

    def __format__(self, spec: str) -> str:
        return "a\r\nX-Evil: 1"

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("host")

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return iter("a")

    def encode(self, *_: str) -> bytes:
        return b"a\r\nX-Evil: 1"

    def isascii(self) -> bool:
        return True

    def isprintable(self) -> bool:
        return True

    def lower(self) -> str:
        return "host"

    def startswith(self, *_: object) -> bool:
        return True


class Octets(bytes):
    """Decodes to something else."""

    __slots__ = ()

    def decode(self, *_: str) -> str:
        return "a\r\nX-Evil: 1"

    def __bytes__(self) -> bytes:
        return b"a\r\nX-Evil: 1"

    def __getitem__(self, place: object) -> bytes:  # type: ignore[override]
        return b"a"


PATHS: dict[str, Callable[[Fields, str | bytes], object]] = {
    "the constructor": lambda fields, value: fields.extend(Fields([("X", value)])),
    "add": lambda fields, value: fields.add("X", value),
    "set": lambda fields, value: fields.set("X", value),
    "item assignment": lambda fields, value: fields.__setitem__("X", value),
    "setdefault": lambda fields, value: fields.setdefault("X", value),
    "extend": lambda fields, value: fields.extend([("X", value)]),
    "update": lambda fields, value: fields.update({"X": value}),
    "an entry": lambda fields, value: fields.entry("X").set(value),
    "a value": lambda fields, value: fields.add("X", FieldValue(value)),
    "a secret": lambda fields, value: fields.add("X", secret(value)),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("given", [Text("good"), Octets(b"good"), Octets(b"g\xff")], ids=["str", "ASCII", "octets"])
def test_of_a_subclass_the_characters_themselves_are_stored(path: str, given: str | bytes) -> None:
    """U-I1: what is stored can neither change nor lie about itself later."""
    fields = Fields()

    PATHS[path](fields, given)

    [(name, value)] = fields
    assert type(name) is str
    assert type(value) in (str, FieldValue)
    assert value == ("good" if isinstance(given, str) or memoryview(given).nbytes == 4 else "g\xff")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("given", [Text("a\r\nb"), Octets(b"a\r\nb"), Octets(b"\0")], ids=["str", "octets", "NUL"])
def test_of_a_subclass_the_characters_themselves_are_checked(path: str, given: str | bytes) -> None:
    """U-I1."""
    fields = Fields([("A", "1")])

    with pytest.raises(InvalidFieldError):
        PATHS[path](fields, given)

    assert list(fields) == [("A", "1")]


def test_names_methods_and_uris_are_stored_as_plain_text() -> None:
    """U-I1, U-I2."""
    request = Request(Text("PUT"), Text("http://a.test/x"), headers=[(Text("X"), "1")])
    verbatim = URI.verbatim(Text("http://a.test"), Text("/[x]"))

    assert (request.method, request.target, request.headers.items()) == ("PUT", "/x", [("X", "1")])
    texts = [request.method, str(request.uri), request.target, request.uri.path, verbatim.target, verbatim.path]
    texts += [str(verbatim), request.uri.with_target(Text("/y")).target, str(request.uri.resolve(Text("/z")))]
    texts += [name for name, _ in request.headers]
    assert {type(text) for text in texts} == {str}
    assert "\n" not in "".join(texts)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Request(Text("G\r\nT"), "http://a.test/"),
        lambda: Request("GET", Text("http://a.test/\r\n")),
        lambda: URI.verbatim("http://a.test", Text("/\r\n")),
        lambda: URI("http://a.test").with_target(Text("/x y\r\n")),
        lambda: URI("http://a.test").resolve(Text("/x\r\n")),
        lambda: Fields([(Text("a\r\nb"), "1")]),
    ],
    ids=["method", "URI", "verbatim", "with_target", "resolve", "name"],
)
def test_a_subclass_cannot_talk_its_way_in(make: Callable[[], object]) -> None:
    """U-I1."""
    with pytest.raises(InvalidMessageError):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: URI("http://a.test").with_target(3),  # type: ignore[arg-type]
        lambda: URI("http://a.test").resolve(None),  # type: ignore[arg-type]
        lambda: URI.build("http", "a/b"),
        lambda: URI.build("http", "a?b"),
        lambda: URI.build("http", "u:MARKER@a"),
        lambda: URI.build("http", ""),
        lambda: URI.build("http://x", "a"),
        lambda: URI.build("ftp", "a"),
        lambda: URI.build("http", "a", port="80"),  # type: ignore[arg-type]
        lambda: URI.build("http", "a", port=True),
        lambda: URI.build("http", "a", segments="abc"),
        lambda: URI.build("http", "a", segments=[b"x"]),  # type: ignore[list-item]
        lambda: URI.build("http", "a", segments=["\ud800MARKER"]),
        lambda: URI.build("http", "a", query={"ab": "c"}),  # type: ignore[arg-type]
        lambda: URI.build("http", "a", query=[("a", 1)]),  # type: ignore[list-item]
        lambda: URI.build("http", "a", query=[("\ud800MARKER", None)]),
    ],
)
def test_a_part_that_is_none_is_refused_by_name_and_not_shown(make: Callable[[], object]) -> None:
    """U-I1, U-I3: a host ends where a path would begin, and one text is no list of segments."""
    with pytest.raises(InvalidURIError) as caught:
        make()

    assert "MARKER" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_what_can_change_later_is_not_taken() -> None:
    """U-I1."""
    for changing in (bytearray(b"a"), memoryview(b"a")):
        with pytest.raises(InvalidFieldError, match="must be str or bytes"):
            Fields([("X", changing)])  # type: ignore[list-item]
        with pytest.raises(InvalidFieldError, match="must be str or bytes"):
            FieldValue(changing)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "was", "becomes"),
    [
        (Fields([("X", "aXb")]), b"aXb", b"a\nb"),
        (Fields([("X-Y", "1")]), b"X-Y", b"X\nY"),
        (FieldValue("aXb"), b"aXb", b"a\nb"),
        (URI("http://a.test/aXb"), b"aXb", b"a\nb"),
        (URI.verbatim("http://a.test", "/[Xb"), b"[Xb", b"[\nb"),
        (Request("GXT", "http://a.test/"), b"GXT", b"G\nT"),
        (Request("PUT", "http://a.test/", headers=[("X", "aXb")]), b"aXb", b"a\nb"),
    ],
    ids=["a value", "a name", "a FieldValue", "a URI", "verbatim", "a method", "a request"],
)
def test_a_pickle_that_was_tampered_with_is_refused(made: object, was: bytes, becomes: bytes) -> None:
    """U-I1, U-F1: unpickling is a way in like any other."""
    tampered = pickle.dumps(made).replace(was, becomes)

    assert tampered != pickle.dumps(made)
    with pytest.raises(InvalidMessageError):
        pickle.loads(tampered)


@pytest.mark.parametrize("name", [None, 3, b"X", ("X",)], ids=repr)
def test_a_name_that_is_no_text_is_refused_wherever_it_is_looked_up(name: str) -> None:
    fields = Fields([("X", "1")])

    for look in (fields.get, fields.values, fields.remove, fields.entry, fields.__getitem__, fields.__delitem__):
        with pytest.raises(InvalidFieldError, match="must be a str"):
            look(name)
    assert name not in fields
    assert list(fields) == [("X", "1")]


def test_names_that_no_field_can_have_find_nothing() -> None:
    fields = Fields([("k", "1")])

    for name in ("\u212a", "\ud800", "", "a b", "K" * 100_000):
        assert name not in fields
        assert fields.values(name) == ()
        assert fields.remove(name) == ()


def test_a_change_between_iter_and_the_first_line_is_noticed() -> None:
    fields = Fields([("A", "1")])
    lines = iter(fields)
    fields.add("B", "2")

    with pytest.raises(RuntimeError, match="changed while being iterated"):
        next(lines)


def test_the_secrecy_of_a_value_cannot_be_switched_off() -> None:
    """U-I5: it is part of the value, which does not change."""
    value = secret("MARKER")

    with pytest.raises(AttributeError):
        value.secret = False  # type: ignore[misc]

    assert "MARKER" not in repr(value)
    assert value == "MARKER"
    assert hash(value) == hash("MARKER")


def test_a_view_of_a_request_refuses_every_change() -> None:
    """U-B8."""
    request = Request("PUT", "http://a.test/", headers=[("A", "1")])
    view = view_request(request, "a reader")
    changes: list[Callable[[], object]] = [
        lambda: setattr(view, "method", "GET"),
        lambda: setattr(view, "uri", "http://b.test/"),
        lambda: view.headers.add("A", "2"),
        lambda: view.headers.set("B", "2"),
        lambda: view.headers.remove("A"),
        lambda: view.headers.clear(),
        lambda: view.headers.update({"A": "2"}),
        lambda: view.headers.extend([("B", "2")]),
        lambda: view.headers.setdefault("B", "2"),
        lambda: view.headers.entry("A").set("2"),
        lambda: view.headers.__delitem__("A"),
        lambda: view.trailers.add("X-T", "1"),
    ]

    for change in changes:
        with pytest.raises(SealedError, match="a reader"):
            change()

    assert request == Request("PUT", "http://a.test/", headers=[("A", "1")])


def test_a_large_section_costs_no_more_than_its_size() -> None:
    """A long value, many lines and many repeats are taken, shown in a bounded way, and changed in linear time."""
    fields = Fields([("X", "v" * 5_000_000), *((f"X-{number}", "1") for number in range(20_000))])
    fields.extend([("Y", "1")] * 20_000)

    assert len(fields) == 40_001
    assert len(repr(fields)) < 3_000
    assert len(fields.remove("y")) == 20_000
    assert len(fields) == 20_001
