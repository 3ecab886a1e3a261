"""Choosing a connector: h11 unless it will not do, and never because something was installed."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import pytest

from stablehttp import (
    AsyncBody,
    AsyncConnector,
    Capability,
    ConnectorRequirements,
    HttpSettings,
    HttpVersion,
    InvalidMessageError,
    Maker,
    MissingExtraError,
    NoConnectorError,
    Operation,
    ProtocolVersions,
    Request,
    Response,
    Timeouts,
    TLSSettings,
    best_available,
    explain_choice,
    installed_makers,
    make_connector,
    make_sync_connector,
    minimum_versions,
)
from stablehttp import _selection as selection
from stablehttp._selection import choose, groups_of, rounds

H1, H2 = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2


def test_without_a_word_the_embedded_connector_is_chosen_whatever_is_installed() -> None:
    """U-D6."""
    assert make_connector().name == "h11"
    assert make_sync_connector().name == "h11"
    assert {"h11", "httpx", "httpx2", "aiohttp", "crt", "pyqwest"} <= set(installed_makers())


def test_several_that_would_do_are_an_error_that_names_them_and_the_line_to_write() -> None:
    wanted = ConnectorRequirements(versions=(HttpVersion.HTTP_2,))

    with pytest.raises(NoConnectorError, match=r"several connectors would do \(.*connector=stablehttp_") as caught:
        make_connector(wanted)

    assert caught.value.wanted == ["HTTP/2"]


def test_the_best_available_may_be_asked_for() -> None:
    assert best_available(ConnectorRequirements(versions=(HttpVersion.HTTP_2,))).versions == (HttpVersion.HTTP_2,)


def test_when_none_will_do_the_error_says_what_was_wanted_and_who_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    """C9."""
    only_h11 = {"h11": installed_makers()["h11"]}
    monkeypatch.setattr(selection, "installed_makers", lambda: only_h11)

    with pytest.raises(NoConnectorError, match="no connector speaks HTTP/2 as required") as caught:
        make_connector(ConnectorRequirements(versions=(HttpVersion.HTTP_2,)))

    assert set(caught.value.reasons) == {"h11"}


class Offer(AsyncConnector):
    """A connector that declares what it is told to."""

    def __init__(self, *versions: HttpVersion, can: frozenset[Capability] = frozenset()) -> None:
        self.capabilities = MappingProxyType(dict.fromkeys(versions, can))

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        return Response(200)


def offering(name: str, *versions: HttpVersion, can: frozenset[Capability] = frozenset()) -> Maker[Offer]:
    """A maker that can explain itself."""
    able = dict.fromkeys(versions, can)
    return Maker(name, lambda requirements: Offer(*requirements.versions, can=can), capabilities=able)


ORDERS = {
    "HTTP/2 first, and there is one": ((H2, H1), "two", H2),
    "HTTP/1.1 first": ((H1, H2), "one", H1),
    "HTTP/2 only": ((H2,), "two", H2),
    "HTTP/1.1 only": ((H1,), "one", H1),
}


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_protocol_versions_goes_before_the_order_of_makers(order: str) -> None:
    """C8."""
    versions, name, version = ORDERS[order]
    makers = [offering("one", H1), offering("two", H2, H1)]

    choice = explain_choice(ConnectorRequirements(versions=versions), makers=makers)

    assert (choice.name, choice.version) == (name, version)


def test_where_only_an_older_version_is_offered_that_one_is_used() -> None:
    """C8."""
    choice = explain_choice(ConnectorRequirements(versions=(H2, H1)), makers=[offering("one", H1)])

    assert (choice.name, choice.version) == ("one", H1)
    assert choice.reasons == {"one": "does not speak HTTP/2"}


def test_with_a_newer_version_go_the_older_ones_that_tls_may_fall_back_to() -> None:
    assert list(rounds((H2, H1))) == [(H2, (H2, H1)), (H1, (H1,))]
    assert list(rounds((H1, H2))) == [(H1, (H1,)), (H2, (H2,))]


def test_a_choice_is_explained_without_making_anything() -> None:
    """U-D6, U-J5: a function of what is asked and what is declared."""
    made: list[ConnectorRequirements] = []

    def make(requirements: ConnectorRequirements) -> Offer:
        made.append(requirements)
        return Offer()

    able = {H1: frozenset({Capability.CLEARTEXT}), H2: frozenset({Capability.DUPLEX})}
    makers = [offering("old", H1), Maker("new", make, capabilities=able)]

    unary = explain_choice(ConnectorRequirements(versions=(H1,)), makers=makers)
    chat = explain_choice(ConnectorRequirements(duplex=True), makers=makers)
    nobody = explain_choice(ConnectorRequirements(versions=(H2,), trailers=True), makers=makers)

    assert (unary.name, unary.version, unary.reasons) == ("old", H1, {})
    assert (chat.name, chat.version, chat.reasons) == ("new", H2, {"old": "does not speak HTTP/2"})
    assert (nobody.name, nobody.reasons) == (
        None,
        {"old": "does not speak HTTP/2", "new": "does not offer request trailers over HTTP/2"},
    )
    assert made == []


def test_a_maker_that_cannot_explain_itself_is_not_called_to_find_out() -> None:
    def plain(requirements: ConnectorRequirements) -> Offer:
        raise AssertionError("called")

    choice = explain_choice(makers=[plain])

    assert choice.name is not None
    assert choice.name.endswith("plain")
    assert choice.reasons == {choice.name: "can only be asked by making a connector"}


def test_what_is_installed_is_explained_as_it_would_be_chosen() -> None:
    """D14, U-D6: duplex streaming leads to an adapter that has it, trailers to one that has them."""
    usual, trailers = explain_choice(), explain_choice(ConnectorRequirements(trailers=True))
    chat = explain_choice(ConnectorRequirements(duplex=True))

    assert (usual.name, trailers.name) == ("h11", "h11")
    assert chat.reasons["h11"] == "leaves duplex streaming to HTTP/2, which is wanted more"
    assert chat.name == "crt" or chat.reasons["crt"] == "would do"
    assert explain_choice(ConnectorRequirements(duplex=True, versions=(H1,))).name == "h11"


def test_a_connector_for_duplex_streaming_declares_it() -> None:
    """D14."""
    connector = best_available(ConnectorRequirements(duplex=True))

    assert connector.versions == (H2,)
    assert Capability.DUPLEX in connector.capabilities[H2]


def test_the_error_lists_what_each_maker_lacked() -> None:
    """C9, U-J5."""

    def silent(requirements: ConnectorRequirements) -> None:
        return None

    def careless(requirements: ConnectorRequirements) -> Offer:
        return Offer(H1)

    def refusing(requirements: ConnectorRequirements) -> Offer:
        raise MissingExtraError("its client is not installed")

    with pytest.raises(
        NoConnectorError, match="no connector speaks HTTP/2 with request trailers as required"
    ) as caught:
        choose(
            groups_of([offering("old", H1), silent, careless, refusing]),
            ConnectorRequirements(versions=(H2,), trailers=True),
        )

    assert caught.value.wanted == ["HTTP/2"]
    assert list(caught.value.reasons.values()) == [
        "does not speak HTTP/2",
        "declined",
        "made a connector that does not speak HTTP/2",
        "its client is not installed",
    ]


def test_a_connector_that_could_use_a_version_that_was_not_asked_for_is_not_taken() -> None:
    with pytest.raises(NoConnectorError, match="made a connector that may also use HTTP/1.1"):
        choose(groups_of([lambda _: Offer(H1, H2)]), ConnectorRequirements(versions=(H2,)))


def test_requirements_may_grow() -> None:
    """C3, C4: a maker written against today's fields works with a class that adds one."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Later(ConnectorRequirements):
        region: str = "here"

    given: list[object] = []

    def today(requirements: ConnectorRequirements) -> Offer:
        given.append((requirements.settings, requirements.trailers, requirements.streaming_upload))
        return Offer(*requirements.versions)

    choose(groups_of([today]), Later(region="there"))

    assert given == [(HttpSettings(), False, False)]
    with pytest.raises(TypeError):
        ConnectorRequirements(HttpSettings())  # type: ignore[misc]


def test_needs_can_be_named_in_two_ways_and_are_one() -> None:
    """C4."""
    by_name = ConnectorRequirements(duplex=True, trailers=True, streaming_upload=True)
    needs = frozenset({Capability.DUPLEX, Capability.REQUEST_TRAILERS, Capability.STREAMED_REQUEST})

    assert by_name == ConnectorRequirements(needs=needs)
    assert ConnectorRequirements(settings=HttpSettings(proxy="http://p.test")).needs == {Capability.PROXY}


def test_without_a_word_it_is_http_1_1_and_for_streams_of_messages_http_2_first() -> None:
    """C18, C19."""
    assert ConnectorRequirements().versions == (H1,)
    assert ConnectorRequirements(duplex=True).versions == (H2, H1)
    versions = ProtocolVersions()
    assert (versions.of(None), versions.of(Operation("a#B"))) == ((H1,), (H1,))
    assert versions.of(Operation("a#B", "server_stream")) == (H2, H1)
    assert ProtocolVersions(event_stream_http=(H1,)).of(Operation("a#B", "duplex")) == (H1,)
    assert ProtocolVersions(http=(H2, H1)).of(Operation("a#B")) == (H2, H1)


def test_an_operation_may_say_which_versions_will_do() -> None:
    """C20."""
    assert ProtocolVersions(http=(H1,)).of(Operation("a#B", versions=(H2,))) == (H2,)


MINIMA = {
    "no operation": ([], ()),
    "ordinary ones": ([Operation("a#B"), Operation("a#C")], (H1,)),
    "a stream that can use both": ([Operation("a#B"), Operation("a#C", "duplex")], (H1,)),
    "a stream alone": ([Operation("a#C", "duplex")], (H2,)),
    "each its own": ([Operation("a#B", versions=(H1,)), Operation("a#C", versions=(H2,))], (H2, H1)),
    "most like the older": ([Operation("a#B", versions=(H1, H2)), Operation("a#C", versions=(H1, H2))], (H1,)),
}


@pytest.mark.parametrize("case", MINIMA)
def test_the_smallest_set_of_versions_that_serves_every_operation(case: str) -> None:
    """C17, C22: operations are a table, and nothing has to be generated."""
    operations, versions = MINIMA[case]

    assert minimum_versions(operations) == versions


def test_settings_are_values_and_equal_ones_are_one_key() -> None:
    """C2."""
    one = HttpSettings(connect_timeout=3, tls=TLSSettings(ca_file="x"))

    assert one == HttpSettings(connect_timeout=3, tls=TLSSettings(ca_file="x"))
    assert len({one, HttpSettings(connect_timeout=3, tls=TLSSettings(ca_file="x"))}) == 1
    with pytest.raises(AttributeError):
        one.connect_timeout = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Timeouts(read=0),
        lambda: Timeouts(total=-1),
        lambda: Timeouts(pool=float("nan")),
        lambda: HttpSettings(connect_timeout=0),
        lambda: HttpSettings(max_connections=0),
        lambda: TLSSettings(minimum_version="SSLv3"),
        lambda: TLSSettings(client_key="k"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: object) -> None:
    with pytest.raises(InvalidMessageError):
        make()  # type: ignore[operator]
