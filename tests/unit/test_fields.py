"""`Fields`: lines kept as given, valid by construction."""

from __future__ import annotations

import copy
import enum
import pickle
from collections.abc import Callable

import pytest

from stablehttp import (
    AmbiguousFieldError,
    Fields,
    FieldValue,
    InvalidFieldError,
    InvalidFieldsError,
    SealedError,
    SectionTooLargeError,
    secret,
)
from stablehttp._field_lines import Guard
from stablehttp._fields import borrow, guard_fields, holds_opaque_values

BAD_LINES = {
    "a space in the name": ("X Y", "v"),
    "an empty name": ("", "v"),
    "a colon in the name": ("X:", "v"),
    "a name outside ASCII": ("Xé", "v"),
    "a line feed in the value": ("X", "a\nb"),
    "a carriage return in the value": ("X", "a\rb"),
    "a NUL in the value": ("X", "a\0b"),
    "a control character in the value": ("X", "a\x01b"),
    "DEL in the value": ("X", "a\x7fb"),
    "a space before the value": ("X", " a"),
    "a tab behind the value": ("X", "a\t"),
    "a value outside ASCII": ("X", "é"),
    "a NUL in octets": ("X", b"a\0b"),
    "a space behind octets": ("X", b"a "),
    "a name that is bytes": (b"X", "v"),
    "a value that is a number": ("X", 1),
    "a value that is None": ("X", None),
}
WAYS_IN: dict[str, Callable[[Fields, tuple[str, str]], object]] = {
    "the constructor": lambda fields, line: Fields([*fields, line]),
    "the constructor, from a mapping": lambda fields, line: Fields(dict([line])),
    "item assignment": lambda fields, line: fields.__setitem__(*line),
    "add": lambda fields, line: fields.add(*line),
    "set": lambda fields, line: fields.set(*line),
    "extend": lambda fields, line: fields.extend([("Good", "1"), line]),
    "update": lambda fields, line: fields.update([("Good", "1"), line]),
    "setdefault": lambda fields, line: fields.setdefault(*line),
    "an entry": lambda fields, line: fields.entry(line[0]).add(line[1]),
    "a bulk edit": lambda fields, line: _edit(fields, line),
    "unpickling": lambda fields, line: pickle.loads(pickle.dumps(fields).replace(b"MARK", b"a\r\nb")) and _fail(line),
}


def _edit(fields: Fields, line: tuple[str, str]) -> None:
    with fields.edit() as draft:
        draft.add("Good", "1")
        draft.add(*line)


def _fail(line: tuple[str, str]) -> None:
    raise InvalidFieldError(str(line))


@pytest.mark.parametrize("way", WAYS_IN)
@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_comes_in_by_no_way_and_changes_nothing(line: tuple[str, str], way: str) -> None:
    """U-I1, U-D8."""
    fields = Fields([("Host", "a.test"), ("X-Mark", "MARK")])

    with pytest.raises((ValueError, TypeError)):
        WAYS_IN[way](fields, line)

    assert list(fields) == [("Host", "a.test"), ("X-Mark", "MARK")]


def test_set_refuses_a_bad_value_and_says_where() -> None:
    """U-I3: the value itself is not shown."""
    fields = Fields([("Host", "a.test")])

    with pytest.raises(InvalidFieldError, match=r"'Host' holds '\\r' at index 6") as caught:
        fields.set("Host", "secret\r\nb")

    assert "secret" not in str(caught.value)
    assert (caught.value.field, caught.value.index) == ("Host", 6)


def test_every_bad_line_of_a_bulk_change_is_reported_at_once() -> None:
    with pytest.raises(InvalidFieldsError, match="2 field lines are invalid") as caught:
        Fields([("A B", "1"), ("Good", "1"), ("C", "\n")])

    assert [error.field for error in caught.value.errors] == ["A B", "C"]


def test_the_error_for_text_outside_ascii_offers_encode() -> None:
    with pytest.raises(InvalidFieldError, match=r"give bytes, with \.encode\(\)"):
        Fields([("X", "naïve")])


def test_lines_keep_order_spelling_and_repetition() -> None:
    """U-K1."""
    lines = [("X-D", "1"), ("Y", ""), ("x-d", "2"), ("X-D", "3")]

    fields = Fields(lines)

    assert list(fields) == fields.items() == lines
    assert len(fields) == 4
    assert fields.keys() == ["X-D", "Y"]
    assert fields.values("x-D") == ("1", "2", "3")
    assert fields["X-d"] == "1, 2, 3"
    assert fields.as_dict() == {"X-D": ["1", "2", "3"], "Y": [""]}


def test_set_replaces_all_lines_in_the_place_of_the_first() -> None:
    """U-K4."""
    fields = Fields([("A", "1"), ("B", "2"), ("a", "3"), ("C", "4")])

    fields["a"] = "new"

    assert list(fields) == [("a", "new"), ("B", "2"), ("C", "4")]
    fields.set("D", "last")
    assert list(fields)[-1] == ("D", "last")


def test_removing_takes_all_lines_and_deleting_nothing_is_a_key_error() -> None:
    """U-K4."""
    fields = Fields([("A", "1"), ("B", "2"), ("a", "3")])

    assert fields.remove("A") == ("1", "3")
    assert fields.remove("A") == ()

    assert list(fields) == [("B", "2")]
    with pytest.raises(KeyError):
        del fields["A"]


def test_lookup_after_every_kind_of_change_finds_what_iteration_shows() -> None:
    fields = Fields([("A", "1")])
    steps: list[Callable[[], object]] = [
        lambda: fields.add("B", "2"),
        lambda: fields.add("a", "3"),
        lambda: fields.set("C", "4"),
        lambda: fields.set("A", "5"),
        lambda: fields.extend([("C", "6"), ("D", "7")]),
        lambda: fields.remove("B"),
        lambda: fields.update([("c", "8"), ("C", "9"), ("E", "10")]),
        lambda: fields.setdefault("F", "11"),
    ]
    for step in steps:
        step()
        for name in "ABCDEF":
            assert list(fields.values(name)) == [value for found, value in fields if found.upper() == name]


def test_update_replaces_each_name_where_its_first_line_stood() -> None:
    fields = Fields([("A", "1"), ("B", "2"), ("A", "3"), ("C", "4")])

    fields.update([("a", "x"), ("D", "y"), ("A", "z")])

    assert list(fields) == [("a", "x"), ("A", "z"), ("B", "2"), ("C", "4"), ("D", "y")]


def test_set_cookie_is_never_joined() -> None:
    """U-K2."""
    fields = Fields([("Set-Cookie", "a=1")])

    with pytest.raises(AmbiguousFieldError, match=r"values\('Set-Cookie'\)"):
        _ = fields["set-cookie"]
    with pytest.raises(AmbiguousFieldError):
        fields.get("Set-Cookie")

    assert fields.values("Set-Cookie") == ("a=1",)


def test_a_field_that_may_stand_once_has_no_combined_value_if_its_lines_differ() -> None:
    fields = Fields([("Content-Type", "a/b"), ("Content-Type", "c/d")])

    with pytest.raises(AmbiguousFieldError, match="'content-type' may stand only once"):
        _ = fields["Content-Type"]

    assert Fields([("Date", "x"), ("Date", "x")])["date"] == "x"


def test_a_missing_name_is_a_key_error_none_or_the_default() -> None:
    fields = Fields()

    with pytest.raises(KeyError):
        _ = fields["A"]

    assert fields.get("A") is None
    assert fields.get("A", "d") == "d"
    assert fields.values("A") == ()
    assert "A" not in fields


@pytest.mark.parametrize("name", ["\u212a", "Ä", "a b", "", "K\u0307"])
def test_lookup_by_a_name_that_no_field_can_have_finds_nothing(name: str) -> None:
    fields = Fields([("k", "1"), ("K", "2")])

    assert name not in fields
    assert fields.get(name) is None
    assert fields.remove(name) == ()


def test_changing_while_iterating_is_an_error() -> None:
    fields = Fields([("A", "1"), ("B", "2")])

    with pytest.raises(RuntimeError, match="changed while being iterated"):
        for name, _ in fields:
            fields.remove(name)


def test_an_edit_makes_all_of_its_changes_at_once() -> None:
    fields = Fields([("A", "1")])

    with fields.edit() as draft:
        draft.add("B", "2")
        assert "B" not in fields

    assert list(fields) == [("A", "1"), ("B", "2")]


def test_an_edit_that_raises_changes_nothing() -> None:
    fields = Fields([("A", "1")])

    with pytest.raises(KeyError), fields.edit() as draft:
        draft.clear()
        raise KeyError("x")

    assert list(fields) == [("A", "1")]


def test_an_entry_does_several_things_to_one_name() -> None:
    entry = Fields().entry("X-A")

    assert not entry.exists
    assert entry.or_set("1") == "1"
    assert entry.or_set_with(lambda: pytest.fail("not needed")) == "1"
    assert entry.add("2") is True
    assert entry.values == ("1", "2")
    assert entry.set("3") == ("1", "2")
    assert entry.remove() == ("3",)


def test_equality_is_the_same_values_in_the_same_sequence_for_each_name() -> None:
    one = Fields([("A", "1"), ("B", "2"), ("A", "3")])

    assert one == Fields([("b", "2"), ("a", "1"), ("A", "3")])
    assert one != Fields([("A", "3"), ("B", "2"), ("A", "1")])
    assert one != Fields([("A", "1"), ("B", "2")])
    assert one != [("A", "1"), ("B", "2"), ("A", "3")]


def test_a_section_given_to_a_constructor_is_copied_not_shared() -> None:
    one = Fields([("A", "1")])

    for two in (Fields(one), one.copy(), copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        two.add("B", "2")

    assert list(one) == [("A", "1")]


def test_octets_above_ascii_survive_being_taken_out_and_put_back() -> None:
    """U-K5."""
    fields = Fields([("X", b"caf\xe9")])

    value = fields["X"]
    other = Fields([("Y", value)])

    assert isinstance(value, FieldValue)
    assert value == "caf\xe9"
    assert value.octets == b"caf\xe9"
    assert other.values("Y")[0] == value
    assert pickle.loads(pickle.dumps(other)) == other


def test_a_joined_value_keeps_secrecy_and_octets() -> None:
    fields = Fields([("X", secret("a")), ("X", b"\xff")])

    joined = fields["X"]

    assert isinstance(joined, FieldValue)
    assert joined.secret
    assert joined.octets == b"a, \xff"


def test_cookie_lines_join_with_a_semicolon() -> None:
    assert Fields([("Cookie", "a=1"), ("Cookie", "b=2")])["Cookie"] == "a=1; b=2"


def test_names_and_values_handed_out_are_plain_str() -> None:
    class Name(str):
        __slots__ = ()

    class Kind(str, enum.Enum):
        A = "x-kind"

    fields = Fields([(Name("X"), Name("v")), (Kind.A, Kind.A)])
    fields.add(Name("Y"), Name("w"))
    fields.set(Name("Z"), Name("w"))

    assert list(fields) == [("X", "v"), ("x-kind", "x-kind"), ("Y", "w"), ("Z", "w")]
    assert {type(part) for line in fields for part in line} == {str}


@pytest.mark.parametrize(
    "name", ["Authorization", "Cookie", "X-Amz-Security-Token", "x-api-key", "Proxy-Authorization"]
)
def test_repr_hides_the_values_of_secret_fields(name: str) -> None:
    """U-I5."""
    fields = Fields([(name, "MARKER"), ("X-Other", secret("MARKER"))])

    assert "MARKER" not in repr(fields)
    assert "MARKER" not in f"{fields}"
    assert name in repr(fields)


def test_repr_hides_signatures_in_uris_and_is_bounded() -> None:
    fields = Fields([("Location", "https://u:MARKER@a/?X-Amz-Signature=MARKER&b=c"), ("X", "v" * 5000)])
    fields.extend([(f"X-{number}", "v") for number in range(100)])

    shown = repr(fields)

    assert "MARKER" not in shown
    assert "b=c" in shown
    assert len(shown) < 3000


def test_secrecy_takes_no_part_in_equality() -> None:
    assert Fields([("A", secret("x"))]) == Fields([("A", "x")])


def test_a_sealed_name_may_not_change_and_the_error_says_who_relies_on_it() -> None:
    fields = Fields([("Host", "a"), ("X", "1")])
    guard_fields(fields, Guard([(frozenset({"host"}), "the signature by SigV4")]))
    refused: list[Callable[[], object]] = [
        lambda: fields.set("HOST", "b"),
        lambda: fields.add("Host", "b"),
        lambda: fields.remove("host"),
        lambda: fields.extend([("Y", "1"), ("Host", "b")]),
        lambda: fields.update({"host": "b"}),
        fields.clear,
    ]

    for change in refused:
        with pytest.raises(SealedError, match="'host' may not change any more: the signature by SigV4"):
            change()
    with pytest.raises(SealedError), fields.edit() as draft:
        draft.set("Host", "b")
    with pytest.raises(SealedError), fields.edit() as draft:
        draft.set("HOST", "a")

    assert list(fields) == [("Host", "a"), ("X", "1")]
    fields.set("X", "2")
    assert fields["X"] == "2"
    assert fields.copy().remove("Host") == ("a",)


def test_size_is_counted_as_http2_counts_it() -> None:
    fields = Fields([("Host", "a.test"), ("X-Long", "v" * 100)])

    assert fields.size == (4 + 6 + 32) + (6 + 100 + 32)
    assert fields.largest(1) == ["X-Long"]


def test_the_largest_fields_are_named_once_with_all_of_their_lines() -> None:
    fields = Fields([("X-A", "v" * 50), ("x-b", "v" * 30), ("X-B", "v" * 30), ("C", "")])

    assert fields.largest() == ["x-b", "X-A", "C"]
    assert fields.largest(0) == []


def test_a_section_beyond_a_limit_names_its_largest_fields_and_no_value() -> None:
    """U-I3: names only."""
    fields = Fields([("Host", "a.test"), ("Cookie", "MARKER" * 50), ("X-Own", "MARKER" * 20), ("Empty", "")])
    fields.check_size(fields.size)

    with pytest.raises(SectionTooLargeError, match="the largest fields are Cookie, X-Own, Host") as caught:
        fields.check_size(fields.size - 1)

    assert (caught.value.size, caught.value.limit) == (fields.size, fields.size - 1)
    assert caught.value.largest == ("Cookie", "X-Own", "Host")
    assert "MARKER" not in f"{caught.value!r} {caught.value.__dict__}"
    assert pickle.loads(pickle.dumps(caught.value)).largest == caught.value.largest


@pytest.mark.parametrize("junk", [None, 3, "Host: a", b"x", [("a",)], [("a", "b", "c")], ["ab"], [None]])
def test_what_is_no_list_of_lines_is_refused(junk: object) -> None:
    with pytest.raises(InvalidFieldError):
        Fields(junk)  # type: ignore[arg-type]


def lent(lines: list[tuple[str, str]], reads: list[str]) -> Fields:
    """A section that is borrowed, and notes how it is read."""

    def read() -> list[tuple[str, str]]:
        reads.append("all")
        return list(lines)

    def find(folded: str) -> list[str]:
        reads.append(folded)
        return [value for name, value in lines if name.lower() == folded]

    return borrow(lines, read, find)


def test_a_borrowed_section_is_looked_up_one_name_at_a_time() -> None:
    reads: list[str] = []
    fields = lent([("A", "1"), ("B", "2"), ("a", "3")], reads)

    assert fields["A"] == "1, 3"
    assert "b" in fields
    assert fields.get("C") is None

    assert reads == ["a", "b", "c"]


def test_changing_a_borrowed_section_leaves_the_lender_alone() -> None:
    """W2."""
    lines = [("A", "1")]
    reads: list[str] = []
    fields = lent(lines, reads)

    fields.add("B", "2")
    fields.set("A", "3")

    assert list(fields) == [("A", "3"), ("B", "2")]
    assert lines == [("A", "1")]
    assert reads == ["all"]


def test_octets_above_ascii_are_known_to_be_there_or_not_after_every_change() -> None:
    fields = Fields([("A", "1"), ("B", secret("x"))])
    assert not holds_opaque_values(fields)

    fields.add("C", b"\xe9")
    assert holds_opaque_values(fields)
    assert holds_opaque_values(fields.copy())
    merged = Fields([("D", "1")])
    merged.update(fields)
    assert holds_opaque_values(merged)

    fields.remove("C")
    assert not holds_opaque_values(fields)
    fields["B"] = b"\xe9"
    assert holds_opaque_values(fields)
    fields["B"] = "x"
    assert not holds_opaque_values(fields)
