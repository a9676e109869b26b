"""Fixtures for the tests of stores."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import boto3
import pytest
from moto.server import ThreadedMotoServer

from listbackup.objectstore import ObjectStore

Opener = Callable[[Callable[[], ObjectStore]], Callable[[], ObjectStore]]
MakeBucket = Callable[..., str]


@pytest.fixture
def closing() -> Iterator[Opener]:
    """Wrap a function that opens clients so that all of them are closed after the test."""
    opened: list[ObjectStore] = []

    def wrap(opener: Callable[[], ObjectStore]) -> Callable[[], ObjectStore]:
        def open_one() -> ObjectStore:
            opened.append(opener())
            return opened[-1]

        return open_one

    yield wrap
    for store in opened:
        store.close()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Run an S3 server on a free port of this machine for the whole session."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give credentials by the environment, and take away what else could be found."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTESTTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-s3-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def s3_session() -> boto3.session.Session:
    """Give one session for all clients of a run: it reads the descriptions of the API once."""
    return boto3.session.Session("AKIATESTTESTTESTTEST", "canary-s3-secret")


@pytest.fixture
def make_bucket(
    s3_endpoint: str, s3_credentials: None, s3_session: boto3.session.Session
) -> Iterator[MakeBucket]:
    """Make fresh buckets: plain, versioned or with object lock."""
    client = s3_session.client("s3", endpoint_url=s3_endpoint, region_name="us-east-1")

    def make(*, versioned: bool = False, locking: bool = False) -> str:
        name = f"trial-{uuid4().hex}"
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locking)
        if versioned:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    yield make
    client.close()


@dataclass
class Script:
    """What an HTTP server of a test answers, and what it was asked.

    `answers` are used one by one, the last for ever: a status, or "drop" to break the connection.
    """

    endpoint: str = ""
    answers: list[int | str] = field(default_factory=lambda: [200])
    code: str = "Scripted"
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def script() -> Iterator[Script]:
    """Run an HTTP server on a free port that answers by a script."""
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.asked.append((self.command, self.path, headers, body))
            answer = script.answers[0] if len(script.answers) == 1 else script.answers.pop(0)
            if isinstance(answer, str):
                self.close_connection = True
                return
            text = f"<Error><Code>{script.code}</Code></Error>".encode() if answer >= 300 else b""
            self.send_response(answer)
            self.send_header("etag", '"0"')
            self.send_header("last-modified", "Wed, 01 Jan 2025 00:00:00 GMT")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        do_PUT = do_GET = do_HEAD = do_DELETE = answer

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        script.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        yield script
        server.shutdown()
        thread.join()
