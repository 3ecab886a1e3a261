"""What pyqwest would change, and what is done about it: each bullet of `_convert`."""

from __future__ import annotations

import pyqwest
import pytest

from stablehttp import (
    URI,
    AsyncBody,
    AsyncPipeline,
    BodyColourError,
    Capability,
    Fields,
    HttpVersion,
    InvalidMessageError,
    InvalidURIError,
    MisuseError,
    Request,
    SyncPipeline,
    TrailersUnavailableError,
    UnsupportedTransportError,
)
from stablehttp._completion import complete
from stablehttp.signers import Credentials, SigV4Signer
from stablehttp.testing import Answer, Origin
from stablehttp_pyqwest import AsyncPyqwestConnector, SyncPyqwestConnector, from_pyqwest, to_pyqwest
from stablehttp_pyqwest._convert import UNAVOIDABLE, prefix_of, response_fields

HTTP_2 = HttpVersion.HTTP_2


def completed(method: str, uri: str | URI, **parts: object) -> Request[AsyncBody]:
    request: Request[AsyncBody] = Request(method, uri, **parts)  # type: ignore[call-overload]
    complete(request, UNAVOIDABLE)
    return request


# --- targets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/?",
        "/a%2Fb%2fc/%7e~",
        "//two//slashes//",
        "/a|b[0]^?q=[1]|{2}",
        "/100%/%zz",
        "/a'b(c)",
        "/a%2e/b",
        "/p?a=1&a=2&flag&=",
        "/?next=https://b.test/?a=b",
    ],
)
def test_a_target_that_browsers_would_leave_is_left(target: str) -> None:
    """U-B1."""
    made = to_pyqwest(completed("GET", URI.verbatim("http://a.test", target)))

    assert made.url == "http://a.test" + target


@pytest.mark.parametrize(
    "target",
    ["/a/../b", "/a/.", "/a/%2e%2e/b", "/?q='x'", '/"', "/<b>", "/a\\b", "/{x}", "/`", "*", "http://b.test/c"],
)
def test_a_target_that_browsers_would_change_is_refused(target: str) -> None:
    """U-B1."""
    with pytest.raises(UnsupportedTransportError, match="would change the target") as caught:
        to_pyqwest(completed("GET", URI.verbatim("http://a.test", target)))

    assert (caught.value.sent, caught.value.transport) == ("no", "pyqwest")
    assert target not in str(caught.value)


def test_a_host_that_pyqwest_takes_for_another_one_is_refused() -> None:
    """No URI of ours has such a host; should one ever have it, it leads nowhere."""
    with pytest.raises(InvalidURIError, match="takes the host '127.1' for '127.0.0.1'"):
        prefix_of("http", "127.1", None)
    with pytest.raises(InvalidURIError, match="cannot take the host"):
        prefix_of("http", "a b", None)


def test_an_address_may_be_written_in_a_longer_way_over_http_1_1() -> None:
    request = completed("GET", "http://[0:0:0::1]/")

    assert to_pyqwest(request).headers["host"] == "[0:0:0::1]"
    with pytest.raises(UnsupportedTransportError, match="'Host' says something else"):
        to_pyqwest(request, version=HTTP_2)


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("https://A.test:443/x", "https://a.test/x"),
        ("http://a.test:8080", "http://a.test:8080/"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("http://user:secret@a.test/x#f", "http://a.test/x"),
    ],
)
def test_scheme_host_and_port_are_said_in_the_one_way_that_pyqwest_has(uri: str, url: str) -> None:
    """U-B9: no userinfo, no fragment."""
    assert to_pyqwest(completed("GET", uri)).url == url


# --- lines ---------------------------------------------------------------------------------------


def test_lines_of_one_name_may_stand_together_and_not_apart() -> None:
    """U-K1."""
    together = completed("GET", "http://a.test/", headers=[("X-A", "1"), ("x-a", "2"), ("X-B", "3")])
    apart = completed("GET", "http://a.test/", headers=[("X-A", "1"), ("X-B", "3"), ("x-a", "2")])

    lines = list(to_pyqwest(together).headers.items())

    assert lines == [("host", "a.test"), ("x-a", "1"), ("x-a", "2"), ("x-b", "3"), ("accept", "*/*")]
    with pytest.raises(UnsupportedTransportError, match="would move a line of field 'x-a'"):
        to_pyqwest(apart)


def test_a_request_without_accept_goes_through_a_pipeline_or_is_refused() -> None:
    """U-B2: what goes out was there to be signed."""
    request: Request[AsyncBody] = Request("GET", "http://a.test/")
    complete(request)

    with pytest.raises(UnsupportedTransportError, match=r"sends 'Accept: \*/\*'"):
        to_pyqwest(request)


async def test_a_pipeline_adds_accept_before_anything_is_signed() -> None:
    """U-B2, U-B4."""
    signer = SigV4Signer(Credentials("AKIDEXAMPLE", "secret"), region="r", service="execute-api")
    with Origin() as origin:
        async with AsyncPyqwestConnector() as connector:
            pipeline = AsyncPipeline(connector, signer=signer)
            await (await pipeline.send(Request("GET", origin.url))).aread()
            given = Request("GET", origin.url, headers=[("accept", "text/plain")])
            await (await pipeline.send(given)).aread()
        first, second = origin.requests

    assert first.values("accept") == (b"*/*",)
    assert b"SignedHeaders=accept;" in first.values("authorization")[0]
    assert second.values("accept") == (b"text/plain",)


def test_what_was_not_completed_is_refused() -> None:
    with pytest.raises(MisuseError, match="'Host'"):
        to_pyqwest(Request("GET", "http://a.test/", headers=[("Accept", "*/*")]))


@pytest.mark.parametrize(
    ("request_", "capability"),
    [
        (lambda: completed("GET", "http://a.test/", headers=[("X-A", b"caf\xe9")]), Capability.OPAQUE_VALUES),
        (lambda: completed("PUT", "http://a.test/", headers=[("Expect", "100-continue")]), Capability.EXPECT_CONTINUE),
        (
            lambda: completed("PUT", "http://a.test/", trailers=[("X-A", "1")], body=b"x"),
            Capability.REQUEST_TRAILERS,
        ),
        (lambda: completed("CONNECT", URI.verbatim("http://a.test", "b.test:443")), Capability.CONNECT_METHOD),
    ],
    ids=["octets above 0x7F", "Expect", "trailers", "CONNECT"],
)
def test_what_is_not_declared_is_refused_by_name(request_: object, capability: Capability) -> None:
    """D4."""
    assert callable(request_)

    with pytest.raises(UnsupportedTransportError) as caught:
        to_pyqwest(request_())

    assert caught.value.capability == capability.value
    assert f"Capability.{capability.name}" in str(caught.value)


# --- HTTP/2 --------------------------------------------------------------------------------------


def test_over_http_2_host_and_chunked_are_left_out() -> None:
    request = completed("PUT", "https://a.test:443/", headers=[("transfer-encoding", "chunked")], body=b"x")

    made = to_pyqwest(request, version=HTTP_2)

    assert list(made.headers.items()) == [("accept", "*/*")]
    assert not isinstance(made.content, bytes)


@pytest.mark.parametrize("uri", ["https://A.test/", "https://a.test/"], ids=["upper case", "an override"])
def test_over_http_2_an_authority_that_is_not_that_of_the_url_is_refused(uri: str) -> None:
    request = completed("GET", uri, headers=[("Host", "A.test" if "A" in uri else "b.test")])

    with pytest.raises(UnsupportedTransportError, match="'Host' says something else"):
        to_pyqwest(request, version=HTTP_2)


@pytest.mark.parametrize(
    "line", [("Connection", "close"), ("Upgrade", "h2c"), ("TE", "gzip")], ids=lambda line: line[0]
)
def test_over_http_2_what_has_no_place_is_refused_and_not_dropped(line: tuple[str, str]) -> None:
    """U-K1."""
    with pytest.raises(InvalidMessageError, match="RFC 9113"):
        to_pyqwest(completed("GET", "https://a.test/", headers=[line]), version=HTTP_2)


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PROPFIND", "x"])
async def test_over_http_2_no_length_is_added(method: str) -> None:
    """U-B2."""
    with Origin(http2=True) as origin:
        async with AsyncPyqwestConnector(versions=[HTTP_2]) as connector:
            await (await AsyncPipeline(connector).send(Request(method, origin.url))).aread()
        [arrived] = origin.requests

    assert arrived.values("content-length") == ()


# --- requests of pyqwest's -----------------------------------------------------------------------


def test_a_body_of_the_wrong_colour_is_refused() -> None:
    request = Request("PUT", "http://a.test/", body=iter([b"x"]))
    complete(request, UNAVOIDABLE)

    with pytest.raises(BodyColourError):
        to_pyqwest(request)  # type: ignore[arg-type]


def test_each_conversion_gives_a_new_object() -> None:
    request = completed("PUT", "http://a.test/", body=b"x")

    assert to_pyqwest(request) is not to_pyqwest(request)


async def test_a_request_of_pyqwests_is_read_and_checked() -> None:
    headers = pyqwest.Headers([("X-A", "1"), ("x-a", "2"), ("X-U", "é")])

    request = from_pyqwest(pyqwest.Request("PUT", "https://A.test:443/p?q", headers, b"content"))

    assert (request.method, str(request.uri)) == ("PUT", "https://a.test/p?q")
    assert request.headers.values("X-A") == ("1", "2")
    assert request.headers.values("x-u") == ("é".encode().decode("latin-1"),)
    assert request.body.length == 7
    with pytest.raises(InvalidMessageError):
        from_pyqwest(pyqwest.Request("PUT", "https://a.test/", pyqwest.Headers([("Content-Length", "1, 2")]), b"x"))


def test_content_of_pyqwests_requests_keeps_its_colour() -> None:
    async def chunks() -> object:
        yield b"x"

    awaited = from_pyqwest(pyqwest.Request("PUT", "https://a.test/", None, chunks()))  # type: ignore[arg-type]
    blocking = from_pyqwest(pyqwest.SyncRequest("PUT", "https://a.test/", None, iter([b"x", b"y"])))

    assert (isinstance(awaited.body, AsyncBody), isinstance(blocking.body, AsyncBody)) == (True, False)


# --- responses -----------------------------------------------------------------------------------


def test_received_lines_are_borrowed_and_found_in_any_case() -> None:
    """U-K2."""
    fields = response_fields(pyqwest.Headers([("X-A", " 1 "), ("X-B", ""), ("x-a", "2")]))

    assert isinstance(fields, Fields)
    assert (fields.values("x-A"), fields.get("X-B"), fields.get("X-C"), fields.get("bad name")) == (
        ("1", "2"), "", None, None,
    )  # fmt: skip
    assert fields.items() == [("x-a", "1"), ("x-a", "2"), ("x-b", "")]


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
async def test_trailers_are_there_once_the_content_has_ended(http2: bool) -> None:
    """U-J6."""
    versions = [HTTP_2 if http2 else HttpVersion.HTTP_1_1]
    with Origin(Answer(200, [b"content"], trailers=[("X-Sum", "1")]), http2=http2) as origin:
        async with AsyncPyqwestConnector(versions=versions) as connector:
            response = await AsyncPipeline(connector).send(Request("GET", origin.url))
            with pytest.raises(TrailersUnavailableError):
                _ = response.trailers
            await response.aread()

            assert response.trailers.items() == [("x-sum", "1")]


def test_the_synchronous_connector_gives_trailers_too() -> None:
    """U-J6."""
    with Origin(Answer(200, [b"content"], trailers=[("X-Sum", "1")])) as origin, SyncPyqwestConnector() as connector:
        response = SyncPipeline(connector).send(Request("GET", origin.url))

        assert (response.read(), response.trailers.items()) == (b"content", [("x-sum", "1")])
