"""The narrow editor for one call (W8)."""

from __future__ import annotations

import warnings

import pytest

from stablehttp import BytesBody, InvalidFieldError, MisuseError, Request, RequestEditor, SealedError, secret
from stablehttp._editor import NOT_FOR_EDITORS, apply_editor
from stablehttp._message import seal


def request() -> Request[BytesBody]:
    return Request("PUT", "https://a.test/x?sig=s3cr3t", headers=[("A", "1"), ("B", "2"), ("a", "3")], body=b"x")


def test_an_editor_adds_sets_and_removes_header_lines() -> None:
    """W8."""
    edited = request()

    def change(editor: RequestEditor) -> None:
        editor.add("C", "4")
        editor.set("b", b"\xe9")
        assert editor.remove("A") == ("1", "3")

    apply_editor(edited, change)

    assert edited.headers.items() == [("b", "é"), ("C", "4")]


def test_an_editor_shows_method_origin_and_header_lines_and_nothing_else() -> None:
    """W8: what it does not offer is not there."""
    editor = RequestEditor(request())

    assert (editor.method, editor.origin, editor.values("a")) == ("PUT", "https://a.test", ("1", "3"))
    assert "A" in editor
    assert "C" not in editor
    public = {name for name in dir(RequestEditor) if not name.startswith("_")}
    assert public == {"method", "origin", "values", "add", "set", "remove"}
    with pytest.raises(AttributeError):
        editor.uri = "https://b.test/"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        editor.method = "DELETE"  # type: ignore[misc]


@pytest.mark.parametrize("name", [*sorted(NOT_FOR_EDITORS), "Content-Length", "HOST"])
def test_an_editor_refuses_what_routes_or_frames_the_message(name: str) -> None:
    """W8: and a refused change changes nothing."""
    edited = request()
    editor = RequestEditor(edited)

    for change in (lambda: editor.add(name, "1"), lambda: editor.set(name, "1"), lambda: editor.remove(name)):
        with pytest.raises(SealedError, match=f"{name!r} is not for one call to change") as caught:
            change()
        assert caught.value.part == name.lower()

    assert edited == request()


@pytest.mark.parametrize("field", [("A b", "1"), ("A", "1\r\nB: 2"), ("A", "é"), ("A", " 1"), ("", "1")])
def test_an_editor_refuses_an_invalid_line_and_changes_nothing(field: tuple[str, str]) -> None:
    """W8, U-I1."""
    edited = request()

    for change in (RequestEditor.add, RequestEditor.set):
        with pytest.raises(InvalidFieldError):
            change(RequestEditor(edited), *field)

    assert edited == request()


def test_an_editor_respects_a_signature() -> None:
    """W8, U-B8."""
    edited = request()
    seal(edited, frozenset({"a"}), "SigV4")
    editor = RequestEditor(edited)

    with pytest.raises(SealedError, match="SigV4 relies on it"):
        editor.set("A", "2")
    editor.set("B", "3")

    assert edited.headers.values("b") == ("3",)


def test_an_editor_works_no_longer_than_its_function() -> None:
    """W8: a request cannot be changed behind the signer's back."""
    kept: list[RequestEditor] = []
    edited = request()

    apply_editor(edited, kept.append)

    for use in (
        lambda: kept[0].add("C", "1"),
        lambda: kept[0].remove("A"),
        lambda: kept[0].values("A"),
        lambda: kept[0].method,
        lambda: kept[0].origin,
        lambda: "A" in kept[0],
    ):
        with pytest.raises(MisuseError, match="only while the function"):
            use()
    assert repr(kept[0]) == "<RequestEditor, closed>"
    assert edited == request()


def test_an_editor_is_closed_when_its_function_fails() -> None:
    kept: list[RequestEditor] = []

    def fail(editor: RequestEditor) -> None:
        kept.append(editor)
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        apply_editor(request(), fail)

    with pytest.raises(MisuseError):
        kept[0].set("A", "1")


def test_an_asynchronous_editor_function_is_refused_without_a_warning() -> None:
    """W8: its changes would come too late."""

    async def late(editor: RequestEditor) -> None:
        editor.add("C", "1")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MisuseError, match="plain function"):
            apply_editor(request(), late)


def test_the_repr_of_an_editor_shows_no_secret() -> None:
    """U-I5."""
    edited = request()
    edited.headers.add("X", secret("s3cr3t"))

    assert "s3cr3t" not in repr(RequestEditor(edited))
