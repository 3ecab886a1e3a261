"""The pipeline: select, intercept, complete, check, gather, sign, send, wrap."""

from __future__ import annotations

import unittest.mock
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from types import MappingProxyType
from typing import ClassVar

import pytest

from stablehttp import (
    URI,
    AnyRequest,
    AnyResponse,
    AsyncBody,
    AsyncConnector,
    AsyncPipeline,
    Attempt,
    BodyColourError,
    Capability,
    DisconnectedError,
    HttpVersion,
    Interceptor,
    InvalidMessageError,
    Limits,
    MisuseError,
    Request,
    Response,
    SealedError,
    SectionTooLargeError,
    SyncBody,
    SyncConnector,
    SyncPipeline,
    Timeouts,
    UnsupportedTransportError,
)
from stablehttp.signers import (
    Credentials,
    MessageKey,
    MessageSigner,
    SigningChanges,
    SigV4QuerySigner,
    content_digest,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Recorder(AsyncConnector):
    """A connector that notes what it was given and answers 200."""

    name = "recorder"

    def __init__(self, *capabilities: Capability, versions: Iterable[HttpVersion] = (HttpVersion.HTTP_1_1,)) -> None:
        can = frozenset({Capability.STREAMED_REQUEST, *capabilities})
        self.capabilities = MappingProxyType(dict.fromkeys(versions, can))
        self.requests: list[AnyRequest] = []
        self.contents: list[bytes] = []
        self.closed = 0
        self.error: Exception | None = None

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        self.contents.append(b"".join([chunk async for chunk in request.body]))
        return Response(200, headers=[("X-From", "recorder")], body=b"hello")

    async def aclose(self) -> None:
        self.closed += 1


class SyncRecorder(SyncConnector):
    """The synchronous twin of `Recorder`."""

    name = "recorder"
    capabilities = MappingProxyType({HttpVersion.HTTP_1_1: frozenset({Capability.STREAMED_REQUEST})})

    def __init__(self) -> None:
        self.requests: list[AnyRequest] = []

    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        self.requests.append(request)
        return Response(200, body=b"".join(request.body))


class NotingSigner:
    """Signs by adding one field, and notes what it was given."""

    name = "Noting"
    content_digest: ClassVar[str | None] = "sha256"

    def __init__(self) -> None:
        self.given: list[tuple[str, str, str, list[tuple[str, str]], str | None, datetime]] = []

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
        self.given.append((method, origin, target, list(fields), content_digest, now))
        return SigningChanges(
            remove=("authorization",),
            set=(("Authorization", f"Noting {len(self.given)}"),),
            covered=frozenset({"host", "x-a", "authorization", "@method", "@request-target", "@content"}),
        )


class Tracer(Interceptor):
    """Notes the order of all hooks."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.attempts: list[Attempt] = []

    def modify_before_signing(self, request: AnyRequest) -> None:
        self.seen.append("modify_before_signing")
        request.headers.add("X-A", "1")

    def read_before_signing(self, request: AnyRequest) -> None:
        assert "Authorization" not in request.headers
        self.seen.append("read_before_signing")

    def read_after_signing(self, request: AnyRequest) -> None:
        assert request.sealed_by is not None
        self.seen.append("read_after_signing")

    def modify_before_transmit(self, request: AnyRequest) -> None:
        self.seen.append("modify_before_transmit")
        request.headers.add("X-Unsigned", "1")

    def read_before_transmit(self, request: AnyRequest) -> None:
        self.seen.append("read_before_transmit")

    def read_after_transmit(self, response: AnyResponse) -> None:
        self.seen.append("read_after_transmit")

    def modify_response(self, response: AnyResponse) -> None:
        self.seen.append("modify_response")

    def read_after_attempt(self, attempt: Attempt) -> None:
        self.seen.append("read_after_attempt")
        self.attempts.append(attempt)


async def stream(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_the_hooks_run_in_the_order_of_the_flow_and_the_signer_sees_the_completed_request() -> None:
    connector, signer, tracer = Recorder(), NotingSigner(), Tracer()
    pipeline = AsyncPipeline(connector, interceptors=[tracer], signer=signer, clock=lambda: NOW)

    response = await pipeline.send(Request("PUT", "https://a.test/x?y", body=b"abc"))

    assert tracer.seen == [
        "modify_before_signing", "read_before_signing", "read_after_signing", "modify_before_transmit",
        "read_before_transmit", "read_after_transmit", "modify_response", "read_after_attempt",
    ]  # fmt: skip
    assert signer.given == [
        (
            "PUT",
            "https://a.test",
            "/x?y",
            [("Host", "a.test"), ("X-A", "1"), ("Content-Length", "3")],
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            NOW,
        )
    ]
    assert list(connector.requests[0].headers) == [
        ("Host", "a.test"), ("X-A", "1"), ("Content-Length", "3"), ("Authorization", "Noting 1"), ("X-Unsigned", "1"),
    ]  # fmt: skip
    assert (response.request_method, response.request_uri) == ("PUT", "https://a.test/x?y")
    assert tracer.attempts[0].status == 200


async def test_the_request_that_was_given_is_not_changed() -> None:
    """U-B3."""
    request = Request("PUT", "https://a.test/x", headers=[("B", "2")], body=b"abc")
    before = request.copy()

    await AsyncPipeline(Recorder(), interceptors=[Tracer()], signer=NotingSigner()).send(request)

    assert request == before
    assert request.sealed_by is None


async def test_sending_the_same_request_again_signs_it_anew() -> None:
    """U-B7."""
    connector, signer = Recorder(), NotingSigner()
    pipeline = AsyncPipeline(connector, signer=signer)
    request = Request("PUT", "https://a.test/x", headers=[("Authorization", "stale")], body=b"abc")

    await pipeline.send(request)
    await pipeline.send(request)

    assert [sent.headers.values("Authorization") for sent in connector.requests] == [("Noting 1",), ("Noting 2",)]


class ChangesSigned(Interceptor):
    """Changes something that was signed."""

    def modify_before_transmit(self, request: AnyRequest) -> None:
        request.headers.set("X-A", "2")


class ChangesMethod(Interceptor):
    """Changes the method after it was signed."""

    def modify_before_transmit(self, request: AnyRequest) -> None:
        request.method = "DELETE"


@pytest.mark.parametrize("changer", [ChangesSigned(), ChangesMethod()], ids=["a field", "the method"])
async def test_changing_what_was_signed_is_an_error_and_nothing_is_sent(changer: Interceptor) -> None:
    """U-B8."""
    connector = Recorder()

    with pytest.raises(SealedError, match="the signature by Noting"):
        await AsyncPipeline(connector, interceptors=[changer], signer=NotingSigner()).send(
            Request("PUT", "https://a.test/", headers=[("X-A", "1")])
        )

    assert connector.requests == []


class Redirects(Interceptor):
    """Changes where the request goes."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def modify_before_transmit(self, request: AnyRequest) -> None:
        request.uri = self.uri  # type: ignore[assignment]


async def test_a_request_may_not_go_to_another_origin_once_it_has_its_host() -> None:
    """U-B8, U-B10: `Host` was decided and capabilities were checked for the old one; no signature covers the path."""
    connector = Recorder()

    with pytest.raises(SealedError, match="the origin of the request may not change any more: the framing"):
        await AsyncPipeline(connector, interceptors=[Redirects("https://b.test/x")]).send(
            Request("GET", "https://a.test/x")
        )
    await AsyncPipeline(connector, interceptors=[Redirects("https://a.test/y")]).send(
        Request("GET", "https://a.test/x")
    )

    assert [request.target for request in connector.requests] == ["/y"]


COVERED = {
    "the path": (["@path"], Redirects("https://a.test/y")),
    "the query": (["@query"], Redirects("https://a.test/x?y")),
    "the whole URI": (["@target-uri"], Redirects("https://a.test/y")),
    "the authority": (["@authority"], Redirects("https://b.test/x")),
    "the method": (["@method"], ChangesMethod()),
    "a field": (["x-a"], ChangesSigned()),
}


@pytest.mark.parametrize("part", COVERED)
async def test_what_a_message_signature_covers_is_sealed(part: str) -> None:
    """U-B8: whatever the signature covers, by any of its names."""
    pytest.importorskip("http_sf")
    covered, changer = COVERED[part]
    signer = MessageSigner(MessageKey.hmac_sha256(b"secret"), covered=covered)
    connector = Recorder()

    with pytest.raises(SealedError):
        await AsyncPipeline(connector, interceptors=[changer], signer=signer).send(
            Request("PUT", "https://a.test/x", headers=[("X-A", "1")])
        )

    assert connector.requests == []


class ChangesDigest(Interceptor):
    """Changes the field that stands for the content."""

    def modify_before_transmit(self, request: AnyRequest) -> None:
        request.headers.set("Content-Digest", "sha-256=:AAAA:")


async def test_the_digest_of_the_content_is_set_signed_and_sealed_and_the_content_stays_what_it_was() -> None:
    """U-B8: a signed request gives another one, unsigned, when it is given other content."""
    pytest.importorskip("http_sf")
    signer = MessageSigner(MessageKey.hmac_sha256(b"secret"), covered=["@method", "content-digest"], digest="sha-256")
    connector = Recorder()
    request = Request("PUT", "https://a.test/x", body=b"abc")

    with pytest.raises(SealedError, match="message signature 'sig1'"):
        await AsyncPipeline(connector, interceptors=[ChangesDigest()], signer=signer).send(request)
    await AsyncPipeline(connector, signer=signer).send(request)

    sent = connector.requests[0]
    assert sent.headers["Content-Digest"] == content_digest(b"abc")
    assert sent.sealed_by is not None
    assert sent.with_body(b"other").sealed_by is None


async def test_a_presigned_target_replaces_the_target_and_is_sealed() -> None:
    """U-B7, U-B8: sent again it is signed anew, and what was given stays as it was."""
    signer = SigV4QuerySigner.for_s3(Credentials("AKID", "secret"), region="eu-west-1", expires=60)
    connector, clock = Recorder(), iter([NOW, NOW.replace(second=6)])
    pipeline = AsyncPipeline(connector, signer=signer, clock=lambda: next(clock))
    request = Request("GET", "https://a.test/a%2Fb?flag&x=1")

    await pipeline.send(request)
    await pipeline.send(request)

    first, second = (sent.target for sent in connector.requests)
    assert first.startswith("/a%2Fb?flag&x=1&X-Amz-Algorithm=")
    assert (first.count("X-Amz-Signature="), second.count("X-Amz-Signature=")) == (1, 1)
    assert first != second
    assert request.target == "/a%2Fb?flag&x=1"
    with pytest.raises(SealedError):
        await AsyncPipeline(connector, signer=signer, interceptors=[Redirects("https://a.test/y")]).send(request)


class ChangesLate(Interceptor):
    """Changes the request where it may only look."""

    def read_before_transmit(self, request: AnyRequest) -> None:
        request.headers.add("X-Late", "1")


async def test_nothing_may_change_once_the_request_goes_to_the_connector() -> None:
    with pytest.raises(SealedError, match="a read_ hook may only look"):
        await AsyncPipeline(Recorder(), interceptors=[ChangesLate()]).send(Request("GET", "https://a.test/"))


class Replaces(Interceptor):
    """Gives another request, and another response."""

    def __init__(self, request: AnyRequest) -> None:
        self.request = request

    def modify_before_signing(self, request: AnyRequest) -> AnyRequest:
        return self.request

    def modify_response(self, response: AnyResponse) -> AnyResponse:
        return Response(299)


async def test_a_hook_may_return_a_replacement_which_is_not_changed_either() -> None:
    connector = Recorder()
    replacement = Request("GET", "https://b.test/other")

    response = await AsyncPipeline(connector, interceptors=[Replaces(replacement)]).send(
        Request("GET", "https://a.test/")
    )

    assert connector.requests[0].uri == URI("https://b.test/other")
    assert response.status == 299
    assert len(replacement.headers) == 0


async def test_an_interceptor_without_hooks_is_a_mistake_that_is_named() -> None:
    with pytest.raises(MisuseError, match="Interceptor has no hook"):
        AsyncPipeline(Recorder(), interceptors=[Interceptor()])


async def test_a_signer_may_come_from_an_awaited_provider() -> None:
    connector, signer = Recorder(), NotingSigner()

    async def provide() -> NotingSigner:
        return signer

    await AsyncPipeline(connector, signer=provide).send(Request("GET", "https://a.test/"))

    assert len(signer.given) == 1


async def test_a_digest_is_read_from_a_body_that_can_be_read_again_and_not_from_one_that_cannot() -> None:
    class Again:
        def __aiter__(self) -> AsyncIterator[bytes]:
            return stream(b"ab", b"c")

    connector, signer = Recorder(), NotingSigner()
    pipeline = AsyncPipeline(connector, signer=signer)

    await pipeline.send(Request("PUT", "https://a.test/", body=Again()))
    await pipeline.send(Request("PUT", "https://a.test/", body=stream(b"abc")))

    digests = [given[4] for given in signer.given]
    assert digests == ["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", None]
    assert connector.contents == [b"abc", b"abc"]


async def test_a_failure_says_which_request_it_is_about_and_is_reported_to_who_watches() -> None:
    """U-E6."""
    connector, tracer = Recorder(), Tracer()
    connector.error = DisconnectedError("the peer went away")

    with pytest.raises(DisconnectedError) as caught:
        await AsyncPipeline(connector, interceptors=[tracer]).send(
            Request("PUT", "https://u:MARKER@a.test/secret?sig=MARKER", body=b"abc")
        )

    assert (caught.value.method, caught.value.origin) == ("PUT", "https://a.test")
    assert tracer.attempts[0].error is caught.value
    assert tracer.attempts[0].processed == "maybe"
    assert "MARKER" not in f"{caught.value!r} {caught.value.__dict__} {tracer.attempts[0]}"


def test_the_synchronous_twin_sends_alike() -> None:
    connector, signer, tracer = SyncRecorder(), NotingSigner(), Tracer()

    with SyncPipeline(connector, interceptors=[tracer], signer=signer, clock=lambda: NOW) as pipeline:
        response = pipeline.send(Request("PUT", "https://a.test/x?y", body=b"abc"))

    assert response.read() == b"abc"
    assert signer.given[0][4] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert tracer.seen[-1] == "read_after_attempt"


async def test_a_body_of_the_wrong_colour_is_refused_before_any_hook_runs() -> None:
    """U-H5."""
    tracer = Tracer()

    def pieces() -> Iterator[bytes]:
        yield b"a"

    with pytest.raises(BodyColourError):
        await AsyncPipeline(Recorder(), interceptors=[tracer]).send(
            Request("PUT", "https://a.test/", body=pieces())  # type: ignore[arg-type]
        )
    with pytest.raises(BodyColourError):
        SyncPipeline(SyncRecorder(), interceptors=[tracer]).send(
            Request("PUT", "https://a.test/", body=stream(b"a"))  # type: ignore[arg-type]
        )

    assert tracer.seen == []


NEEDS = {
    "request trailers": (Request("PUT", "https://a.test/", trailers=[("X", "1")]), Capability.REQUEST_TRAILERS),
    "CONNECT": (Request("CONNECT", URI.verbatim("http://a.test", "b.test:443")), Capability.CONNECT_METHOD),
    "Expect": (Request("PUT", "https://a.test/", headers=[("Expect", "100-continue")]), Capability.EXPECT_CONTINUE),
    "octets": (Request("PUT", "https://a.test/", headers=[("X", b"\xff")]), Capability.OPAQUE_VALUES),
}


@pytest.mark.parametrize("need", NEEDS)
async def test_what_a_connector_does_not_declare_is_refused_by_name_with_a_way_out(need: str) -> None:
    request, capability = NEEDS[need]
    connector = Recorder()

    with pytest.raises(
        UnsupportedTransportError, match=f"connector 'recorder' does not offer .*{capability.name}"
    ) as caught:
        await AsyncPipeline(connector).send(request)

    assert connector.requests == []
    assert (caught.value.transport, caught.value.capability) == ("recorder", capability.value)
    assert (caught.value.sent, caught.value.processed) == ("no", "no")


@pytest.mark.parametrize("need", NEEDS)
async def test_what_a_connector_declares_is_let_through(need: str) -> None:
    request, capability = NEEDS[need]
    connector = Recorder(capability)

    await AsyncPipeline(connector).send(request)

    assert len(connector.requests) == 1


async def test_a_timeout_that_a_connector_cannot_keep_is_refused() -> None:
    """U-D1."""
    with pytest.raises(UnsupportedTransportError, match="set timeout 'total' to None"):
        await AsyncPipeline(Recorder(), timeouts=Timeouts(total=1)).send(Request("GET", "https://a.test/"))

    connector = Recorder(Capability.TOTAL_TIMEOUT)
    await AsyncPipeline(connector, timeouts=Timeouts(total=1)).send(Request("GET", "https://a.test/"))
    assert connector.requests[0].extensions[Timeouts] == Timeouts(total=1)


@pytest.mark.parametrize("line", [("Connection", "close"), ("Keep-Alive", "1"), ("Upgrade", "x"), ("TE", "gzip")])
async def test_a_field_that_http2_has_no_place_for_is_refused(line: tuple[str, str]) -> None:
    request = Request("GET", "https://a.test/", headers=[line])

    with pytest.raises(InvalidMessageError, match="RFC 9113"):
        await AsyncPipeline(Recorder(versions=[HttpVersion.HTTP_2])).send(request)
    await AsyncPipeline(Recorder()).send(request)


async def test_a_field_line_beyond_the_limit_of_a_connector_is_refused() -> None:
    connector = Recorder()
    connector.limits = MappingProxyType({HttpVersion.HTTP_1_1: Limits(field_line=100)})

    await AsyncPipeline(connector).send(Request("GET", "https://a.test/", headers=[("X", "v" * 67)]))
    with pytest.raises(UnsupportedTransportError, match="cannot carry field 'X'"):
        await AsyncPipeline(connector).send(Request("GET", "https://a.test/", headers=[("X", "v" * 68)]))
    with pytest.raises(UnsupportedTransportError, match="':path'"):
        await AsyncPipeline(connector).send(Request("GET", "https://a.test/" + "p" * 70))


async def test_a_header_section_beyond_the_limit_of_a_connector_is_refused_before_anything_is_sent() -> None:
    """RFC 9113 §6.5.2: the completed section counts, `Host` included."""
    connector = Recorder()
    connector.limits = MappingProxyType({HttpVersion.HTTP_1_1: Limits(field_section=42 + 100)})

    await AsyncPipeline(connector).send(Request("GET", "https://a.test/", headers=[("X", "v" * 67)]))
    with pytest.raises(SectionTooLargeError, match="the largest fields are X, Host") as caught:
        await AsyncPipeline(connector).send(Request("GET", "https://a.test/", headers=[("X", "v" * 68)]))

    assert (caught.value.sent, caught.value.processed) == ("no", "no")
    assert len(connector.requests) == 1


async def test_a_duck_typed_transport_works_for_everything_that_needs_no_declaration() -> None:
    """D2."""

    class Duck:
        async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
            return Response(200, body=b"quack")

    response = await AsyncPipeline(Duck()).send(Request("GET", "https://a.test/", headers=[("X", b"\xff")]))

    assert await response.aread() == b"quack"


async def test_a_given_connector_is_left_open_and_one_that_was_made_is_closed() -> None:
    connector = Recorder()

    async with AsyncPipeline(connector) as pipeline:
        await pipeline.send(Request("GET", "https://a.test/"))

    assert connector.closed == 0


def test_only_the_literal_true_declares_duplex_streaming() -> None:
    """D3, D12."""
    from stablehttp._connectors import supports_duplex

    class Old:
        pass

    class Says:
        def __init__(self, value: object) -> None:
            self.SUPPORTS_DUPLEX_STREAMING = value

    assert not supports_duplex(Old())
    assert not supports_duplex(unittest.mock.Mock())
    assert not supports_duplex(Says(1))
    assert not supports_duplex(Says("yes"))
    assert not supports_duplex(Recorder())
    assert supports_duplex(Says(True))
    assert supports_duplex(Recorder(Capability.DUPLEX))
    assert not supports_duplex(Recorder(Capability.DUPLEX), HttpVersion.HTTP_2)
