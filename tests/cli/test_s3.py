"""A vault in a bucket: the same commands, the same proofs."""

from collections.abc import Callable, Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.cli.machines import Machine

Fresh = Callable[[], str]


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_a_bucket_holds_a_vault(machine: Machine, endpoint: str, small: str, fresh: Fresh) -> None:
    session = boto3.session.Session("AKIATESTTESTTESTTEST", "canary-s3-secret")
    client = session.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket="lists")
    machine.set(
        AWS_ACCESS_KEY_ID="AKIATESTTESTTESTTEST",
        AWS_SECRET_ACCESS_KEY="canary-s3-secret",
        AWS_EC2_METADATA_DISABLED="true",
        LISTBACKUP_VAULT=f"s3://lists/kept?endpoint={endpoint}&region=us-east-1",
    )
    assert machine.ask("init")[-1]["encryption"] == "sealed"
    assert machine.run("init", "--encryption", "sse-s3", "--json").code == 5
    machine.do("backup", small)
    told = machine.do("check", "--records")
    assert machine.ask("restore", "latest", "--to", fresh())[-1]["proven"]
    assert "canary-s3-secret" not in told.out + told.err
    client.close()
