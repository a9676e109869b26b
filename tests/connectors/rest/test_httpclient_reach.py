"""The real client goes where a source was set up to go: redirects, names, addresses, no proxies."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from listbackup.connectors.rest.hosts import HostGuard
from listbackup.connectors.rest.httpclient import HttpClient
from listbackup.connectors.rest.transport import Kind, Request, TransportError
from tests.connectors.rest.clients import QUICK, ask, make_client
from tests.connectors.rest.rawservers import RawServer, Wire, serve


def play(work: Callable[[RawServer, RawServer], Coroutine[None, None, None]], *pages: str) -> None:
    """Run against two servers; the first redirects in turn to what the pages say."""

    async def run() -> None:
        async def target(wire: Wire) -> None:
            await wire.answer(b'{"here": true}')

        async with serve(target) as second:
            locations = iter([page.replace("SECOND", second.url) for page in pages])

            async def source(wire: Wire) -> None:
                location = next(locations, None)
                if location is None:
                    await wire.answer(b'{"home": true}')
                else:
                    await wire.answer(b"", f"Location: {location}", status="302 Found")

            async with serve(source) as first:
                await work(first, second)

    asyncio.run(run())


def test_a_redirect_at_home_is_followed_with_everything() -> None:
    async def work(first: RawServer, second: RawServer) -> None:
        client = make_client(first)
        request = Request("GET", f"{first.url}/v1/a", {"X-Api-Key": "s3cret"})
        assert (await client.send(request)).body == b'{"home": true}'
        assert [head.split()[1] for head in first.heads] == ["/v1/a", "/v1/b?x=1", "/c"]
        assert all("s3cret" in head for head in first.heads)
        await client.close()

    play(work, "b?x=1", "/c")


def test_a_redirect_to_another_allowed_origin_carries_no_credentials() -> None:
    async def work(first: RawServer, second: RawServer) -> None:
        client = make_client(first, QUICK, second.url)
        headers = {"Authorization": "Bearer s3cret", "X-Api-Key": "s3cret", "Accept": "a/b"}
        got = await client.send(Request("GET", f"{first.url}/v1", headers))
        assert got.body == b'{"here": true}'
        assert "s3cret" in first.heads[0]
        assert "s3cret" not in second.heads[0]
        assert "Accept: a/b" in second.heads[0]
        await client.close()

    play(work, "SECOND/file")


@pytest.mark.parametrize(
    "location",
    [
        *(
            "SECOND/x",
            "http://169.254.169.254/latest/",
            "http://evil.example/",
            "file:///etc/passwd",
        ),
        *("//2130706433/", "http://localhost:1/", "http://[::1]:1/", "https://127.0.0.1/"),
    ],
)
def test_a_redirect_elsewhere_is_not_followed(location: str) -> None:
    async def work(first: RawServer, second: RawServer) -> None:
        client = make_client(first)
        with pytest.raises(TransportError) as caught:
            await client.send(Request("GET", f"{first.url}/v1"))
        assert caught.value.kind is Kind.FORBIDDEN_HOST
        assert second.connections == 0
        await client.close()

    play(work, location)


def test_redirects_end_and_only_a_get_is_redirected() -> None:
    async def work(first: RawServer, second: RawServer) -> None:
        client = make_client(first)
        with pytest.raises(TransportError) as caught:
            await client.send(Request("GET", f"{first.url}/v1"))
        assert caught.value.kind is Kind.REDIRECT
        assert len(first.heads) == QUICK.most_redirects + 1
        with pytest.raises(TransportError) as caught:
            await client.send(Request("POST", f"{first.url}/v1", body=b"x"))
        assert caught.value.kind is Kind.REDIRECT
        assert len(first.heads) == QUICK.most_redirects + 2
        await client.close()

    play(work, *["/v1"] * 20)


def test_each_connection_goes_to_the_address_that_was_judged_for_it() -> None:
    answers = [["127.0.0.1"], ["127.0.0.1", "169.254.169.254"], ["169.254.169.254"]]
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    async def work() -> None:
        async def answer(wire: Wire) -> None:
            closing = ["Connection: close"] if wire.path == "/close" else []
            await wire.answer(b"{}", *closing)

        async with serve(answer) as server:
            url = f"http://api.example.com:{server.port}"
            guard = HostGuard([url], allow_private_hosts=True)
            client = HttpClient(guard, QUICK, resolve=resolve)
            for path in ("/", "/", "/close"):
                assert (await client.send(Request("GET", url + path))).status == 200
            assert asked == ["api.example.com"]
            assert f"Host: api.example.com:{server.port}" in server.heads[0]
            for _ in range(2):
                with pytest.raises(TransportError) as caught:
                    await client.send(Request("GET", f"{url}/"))
                assert caught.value.kind is Kind.FORBIDDEN_HOST
            assert len(asked) == 3
            assert server.connections == 1
            await client.close()

    asyncio.run(work())


def test_of_several_addresses_the_next_is_tried_where_one_does_not_answer() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "::1", "127.0.0.1"]

    async def work() -> None:
        async def answer(wire: Wire) -> None:
            await wire.answer(b"{}")

        async with serve(answer) as server:
            url = f"http://box.lan:{server.port}"
            guard = HostGuard([url], allow_private_hosts=True)
            client = HttpClient(guard, QUICK, resolve=resolve)
            assert (await client.send(Request("GET", url))).status == 200
            await client.close()

    asyncio.run(work())


def test_a_public_name_that_leads_to_a_private_address_is_never_connected_to() -> None:
    async def work() -> None:
        async def answer(wire: Wire) -> None:
            await wire.answer(b"{}")

        async with serve(answer) as server:

            async def resolve(host: str, port: int) -> list[str]:
                return ["127.0.0.1"]

            url = f"https://rebind.example.com:{server.port}/v1"
            client = HttpClient(HostGuard([url]), QUICK, resolve=resolve)
            with pytest.raises(TransportError) as caught:
                await client.send(Request("GET", url))
            assert caught.value.kind is Kind.FORBIDDEN_HOST
            assert server.connections == 0
            await client.close()

    asyncio.run(work())


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def answer(wire: Wire) -> None:
        await wire.answer(b"{}")

    assert ask(answer).status == 200
