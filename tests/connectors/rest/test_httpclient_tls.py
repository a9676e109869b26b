"""The real client talks to whom somebody vouches for, and names who it does not talk to."""

import asyncio
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from listbackup.connectors.rest.hosts import HostGuard
from listbackup.connectors.rest.httpclient import HttpClient
from listbackup.connectors.rest.transport import Kind, Request, Response, TransportError
from tests.connectors.rest.clients import QUICK, saying
from tests.connectors.rest.rawservers import Wire, serve


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30"
        " -subj /CN=api.example.com -addext subjectAltName=DNS:api.example.com"
        f" -keyout {folder}/key.pem -out {folder}/cert.pem"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    return folder


def ask_over_tls(certificate: Path, host: str) -> Response:
    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async def work() -> Response:
        async def answer(wire: Wire) -> None:
            await wire.answer(b"{}")

        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
        async with serve(answer, tls) as server:
            url = f"https://{host}:{server.port}/v1?key=s3cret"
            guard = HostGuard([url], allow_private_hosts=True)
            client = HttpClient(guard, QUICK, resolve=here)
            try:
                return await client.send(Request("GET", url))
            finally:
                await client.close()

    return asyncio.run(work())


def test_an_authority_of_ones_own_is_trusted_by_the_environment(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    assert ask_over_tls(certificate, "api.example.com").body == b"{}"
    with pytest.raises(TransportError) as caught:
        ask_over_tls(certificate, "other.example.com")
    assert caught.value.kind is Kind.CERTIFICATE
    assert "other.example.com" in caught.value.detail


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(certificate: Path) -> None:
    with pytest.raises(TransportError) as caught:
        ask_over_tls(certificate, "api.example.com")
    assert (caught.value.kind, caught.value.maybe_done) == (Kind.CERTIFICATE, False)
    assert "self-signed" in caught.value.detail
    assert "s3cret" not in str(caught.value)


def test_a_server_that_speaks_no_tls_is_named() -> None:
    async def work() -> None:
        async with serve(saying(b"HTTP/1.1 200 OK\r\n\r\n{}")) as server:
            url = server.url.replace("http:", "https:")
            limits = replace(QUICK, connect=0.2, read=0.2)
            client = HttpClient(HostGuard([url], allow_private_hosts=True), limits)
            with pytest.raises(TransportError) as caught:
                await client.send(Request("GET", url))
            assert caught.value.kind in (Kind.CERTIFICATE, Kind.TIMEOUT, Kind.RESET)
            await client.close()

    asyncio.run(work())
