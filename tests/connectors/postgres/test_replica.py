"""Reading from a replica, and over TLS."""

import os
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from listbackup.connectors import ReadOptions
from listbackup.connectors.postgres.address import Address, parse_address
from listbackup.connectors.postgres.inspection import inspect
from listbackup.connectors.postgres.session import connect
from listbackup.connectors.postgres.source import PostgresSource
from listbackup.errors import SourceError
from listbackup.events import ignore
from listbackup.host import Host
from listbackup.sandbox.postgres import (
    PostgresServer,
    find_free_port,
    launch,
    make_private_directory,
    own_by_unprivileged,
)
from tests.connectors.postgres.conftest import Database


def read(address: Address) -> tuple[dict[str, bytes], dict[str, str]]:
    source = PostgresSource(address, ReadOptions(), Host(), environment=os.environ)
    with closing(source.open()) as found:
        rows = {
            stream.name: b"".join(c for part in found.parts(stream) for c in found.read(part))
            for stream in found.streams
        }
        assert "pg-archive" in {extra.kind for extra in found.extras()}
        found.finish()
        return rows, {one.name: one.reason for one in found.unread}


@pytest.fixture
def replica(newest: PostgresServer) -> Iterator[int]:
    """A hot standby of the newest server; gives its port."""
    directory = make_private_directory()
    owner = own_by_unprivileged(directory)
    programs = newest.installation.programs
    try:
        subprocess.run(
            [
                programs / "pg_basebackup",
                *("-h", "127.0.0.1", "-p", str(newest.port), "-U", "postgres"),
                *("-D", directory / "data", "-R", "--checkpoint=fast", "--no-sync"),
            ],
            env={**os.environ, "PGPASSWORD": newest.password},
            check=True,
            capture_output=True,
            cwd=directory,
            **owner,
        )
        port = find_free_port()
        settings = {"port": str(port), "listen_addresses": "127.0.0.1", "hot_standby": "on"}
        process = launch(newest.installation, directory, settings, owner)
        try:
            yield port
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGQUIT)
            process.wait()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def wait_until_there(address: Address, table: str) -> None:
    for _ in range(600):
        with suppress(SourceError), connect(address) as connection:
            if connection.execute("SELECT to_regclass(%s)", (table,)).fetchone() != (None,):
                return
        time.sleep(0.05)
    raise AssertionError("the replica did not follow")


def test_a_replica_is_read_and_what_it_cannot_show_is_named(
    newest: PostgresServer, make_database: Callable[..., Database], replica: int
) -> None:
    database = make_database(newest)
    database.run("""
        CREATE TABLE public.users AS SELECT i FROM generate_series(1, 1000) i;
        CREATE UNLOGGED TABLE public.cache (a int); CREATE SEQUENCE public.s;
        CREATE TABLE public.last (a int);
    """)
    address = replace(database.address, hosts=(("127.0.0.1", replica),))
    wait_until_there(address, "public.last")
    rows, unread = read(address)
    assert set(rows) == {"public.users", "public.last"}
    assert rows["public.users"].count(b"\n") == 1000
    assert set(unread) == {"public.cache"}
    assert inspect(address, ReadOptions(), Host(), ignore).on_replica


def make_certificate(directory: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (directory / "server.crt").write_bytes(certificate.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "server.key").write_bytes(secret)
    (directory / "server.key").chmod(0o600)
    owner = directory.stat()
    for file in ("server.crt", "server.key"):
        os.chown(directory / file, owner.st_uid, owner.st_gid)


def test_a_verified_tls_connection_reads_the_same(
    servers: Callable[[int], PostgresServer],
    make_database: Callable[..., Database],
    tmp_path: Path,
) -> None:
    server = servers(15)
    database = make_database(server)
    database.run("CREATE TABLE public.users AS SELECT i FROM generate_series(1, 5000) i")
    plain, _ = read(database.address)
    make_certificate(server.directory / "data")
    trusted = tmp_path / "trusted.crt"
    trusted.write_bytes((server.directory / "data" / "server.crt").read_bytes())
    ssl.create_default_context(cafile=str(trusted))
    url = server.url(database.address.database).replace("127.0.0.1", "localhost")
    address = parse_address(
        f"{url}?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={trusted}", {}
    )
    database.run("ALTER SYSTEM SET ssl = on")
    database.run("SELECT pg_reload_conf()")
    try:
        for _ in range(200):
            with suppress(SourceError), connect(address):
                break
            time.sleep(0.02)
        assert inspect(address, ReadOptions(), Host(), ignore).encrypted
        encrypted, _ = read(address)
    finally:
        database.run("ALTER SYSTEM RESET ssl")
        database.run("SELECT pg_reload_conf()")
    assert encrypted == plain


def test_a_server_without_tls_is_refused_where_tls_is_demanded(
    newest: PostgresServer, make_database: Callable[..., Database]
) -> None:
    database = make_database(newest)
    url = f"{newest.url(database.address.database)}?sslmode=require"
    with pytest.raises(SourceError):
        read(parse_address(url, {}))
