"""Rules about proxies, and about what is told of an attempt.

Stands on the bench.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Final

from stablehttp._call_options import CallOptions
from stablehttp._capability import Capability
from stablehttp._errors import ConnectError
from stablehttp._interception import Attempt, Interceptor
from stablehttp._message import Request
from stablehttp.testing._origin_proxy import RecordingProxy
from stablehttp.testing._origin_script import Answer
from stablehttp.testing._origin_tls import TLS
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._driver import Driver
from stablehttp.testing.contract._rule import HTTP_1, Rule, fails, require, same

_SECRET: Final = "pr0xy-secret"
_CREDENTIALS: Final = b"Basic " + base64.b64encode(f"user:{_SECRET}".encode())


def _through(bench: Bench, proxy: RecordingProxy) -> Driver:
    """A connector that goes through `proxy`, and trusts the origins of `bench`."""
    url = proxy.url.replace("://", f"://user:{_SECRET}@")
    return bench.connect(replace(bench.settings_for(bench.origins[-1]), proxy=url))


async def forwards_through_a_proxy(bench: Bench) -> None:
    with RecordingProxy() as proxy:
        driver = _through(bench, proxy)
        request = Request("PUT", bench.url("/a%2fb?c=d"), headers=[("X-A", "1")], body=b"abc")
        await (await driver.send(request)).read()
        asked, received = proxy.requests[-1], bench.origin.requests[-1]
        await driver.close()
    same(asked.target, bench.url("/a%2fb?c=d").encode(), "target that the proxy is told")
    same(asked.values("proxy-authorization"), (_CREDENTIALS,), "credentials that the proxy is given")
    same((received.target, received.content), (b"/a%2fb?c=d", b"abc"), "what the origin gets")
    require(_SECRET.encode() not in received.raw_head, "the origin is not given the credentials of the proxy")
    require(_CREDENTIALS not in received.raw_head, "the origin is not given the credentials of the proxy")


async def tunnels_through_a_proxy(bench: Bench) -> None:
    origin = await bench.open_origin(tls=TLS())
    with RecordingProxy() as proxy:
        driver = _through(bench, proxy)
        request = Request("PUT", f"{origin.url}/hidden?key=value", headers=[("X-Hidden", "1")], body=b"abc")
        await (await driver.send(request)).read()
        asked, received = proxy.requests[-1], origin.requests[-1]
        await driver.close()
    same((asked.method, asked.target), (b"CONNECT", origin.authority.encode()), "what the proxy is asked for")
    same(asked.values("proxy-authorization"), (_CREDENTIALS,), "credentials that the proxy is given")
    require(b"idden" not in asked.raw_head, "the proxy sees no path, no query and no field of the request")
    same((received.target, received.content), (b"/hidden?key=value", b"abc"), "what the origin gets")
    same(received.values("proxy-authorization"), (), "credentials of the proxy at the origin")


async def tells_a_proxy_that_declines(bench: Bench) -> None:
    origin = await bench.open_origin(tls=TLS())
    for answer in (Answer(407), Answer(502)):
        with RecordingProxy() as proxy:
            proxy.refuse([answer])
            driver = _through(bench, proxy)
            with fails(ConnectError) as caught:
                await driver.send(Request("GET", f"{origin.url}/hidden?key=value"))
            await driver.close()
        same((caught.error.sent, caught.error.processed), ("no", "no"), "sent and processed")
        require(_SECRET not in str(caught.error), "the error does not show the credentials of the proxy")
        require("hidden" not in str(caught.error), "the error does not show the target")
    same(origin.count, 0, "requests that arrived")


class _Watcher(Interceptor):
    """Keeps what is told of attempts."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def read_after_attempt(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)


async def tells_of_each_attempt_once(bench: Bench) -> None:
    watcher = _Watcher()
    options = CallOptions(interceptors=(watcher,))
    for _ in range(2):
        await (await bench.driver.send(Request("PUT", bench.url(), body=b"abc"), options=options)).read()
    with bench.dead_end() as nowhere, fails(ConnectError):
        await bench.driver.send(Request("POST", nowhere, body=b"abc"), options=options)
    same([attempt.status for attempt in watcher.attempts], [200, 200, None], "status of each attempt")
    first, second, failed = watcher.attempts
    same((first.origin, second.origin), (bench.origin.url, bench.origin.url), "origin of the attempts")
    same((first.method, failed.method), ("PUT", "POST"), "methods of the attempts")
    same((first.http_version, first.request_length, first.response_length), (bench.version, 3, 0), "first attempt")
    same((first.error, second.sent, second.processed), (None, "yes", "yes"), "outcome of what went well")
    require(isinstance(failed.error, ConnectError), "the attempt that failed says why")
    same((failed.sent, failed.processed), ("no", "no"), "outcome of what failed")
    require(second.reused in (True, None), "the second attempt says that its connection was used before, if it can")


RULES: Final = (
    Rule(
        "a proxy forwards, and only it gets its credentials",
        forwards_through_a_proxy,
        "U-D4",
        needs=Capability.PROXY,
        versions=HTTP_1,
    ),
    Rule(
        "a tunnel is asked for by host and port alone",
        tunnels_through_a_proxy,
        "U-D4",
        needs=Capability.PROXY,
    ),
    Rule("a proxy that declines is told", tells_a_proxy_that_declines, "U-D4 U-E1", needs=Capability.PROXY),
    Rule("one send is one event", tells_of_each_attempt_once, "U-C5"),
)
