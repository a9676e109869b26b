"""Many processes that find one token ended renew it once, and none of them is logged out."""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from listbackup.app import App, Reach
from listbackup.config.stanzas import stanza_path, write_stanza
from listbackup.connectors.rest.credentials import (
    Credential,
    Tokens,
    read_credential,
    write_credential,
)
from listbackup.log import Secret
from listbackup.operations.initialising import InitWishes, initialise
from listbackup.sandbox.platforms.keap.platform import Keap
from listbackup.sandbox.platforms.oauth import Client, Wish
from tests.cli.keaps import serve_keap
from tests.operations import racer

PROCESSES = 8
CLIENT = Client("app", "secret of the app", ("http://127.0.0.1:1/",))
MEANT = Reach(volatile=True)


def make_source(app: App, place: str) -> None:
    """Write a source of a Keap that is served somewhere."""
    stanza = {"connector": "keap", "base_url": f"{place}/crm", "token_url": f"{place}/token"}
    path = stanza_path(app.directories.config, "keap")
    path.parent.mkdir()
    path.write_bytes(write_stanza("keap", {**stanza, "allow_private_hosts": True}))


def keep_ended_token(app: App, keap: Keap) -> None:
    """Let a person have consented some time ago: the access token has ended since."""
    authority = keap.authority
    authority.admit(CLIENT)
    code = authority.consent(Wish(CLIENT, CLIENT.redirects[0], ("full",), None, ""), "acme")
    given = authority.exchange(CLIENT, code, CLIENT.redirects[0], "")
    authority.expire(given.access)
    now = app.host.clock.now()
    tokens = Tokens(
        Secret(given.access),
        Secret(given.refresh),
        now - timedelta(days=1),
        now - timedelta(hours=1),
    )
    secrets = {"client_id": Secret(CLIENT.id), "client_secret": Secret(CLIENT.secret)}
    credential = Credential("keap", "oauth", secrets, now, "acme", "acme", tokens)
    app.credentials(MEANT, "keap").write(write_credential(credential))


def race(environment: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Start the processes, and let the one that asks for a token ask only when all others wait for
    it. Gives what each did first, and what each was told in the end."""
    command = [sys.executable, str(Path(racer.__file__)), "keap", str(PROCESSES)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as running:
        assert running.stdout is not None
        first = [running.stdout.readline().strip() for _ in range(PROCESSES)]
        told, _ = running.communicate("go\n" * first.count("asking"), timeout=60)
    return first, told.split()


def test_eight_processes_renew_one_token_once(tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LISTBACKUP_")},
        "LISTBACKUP_CONFIG_DIR": str(tmp_path / "config"),
        "LISTBACKUP_STATE_DIR": str(tmp_path / "state"),
        "LISTBACKUP_VAULT": str(tmp_path / "vault"),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    with serve_keap() as served:
        app = App(environment)
        initialise(app, MEANT, InitWishes())
        make_source(app, served.url)
        keep_ended_token(app, served.keap)
        first, answers = race(environment)
        counts = served.keap.authority.counts
    assert sorted(first) == ["asking"] + ["waiting"] * (PROCESSES - 1)
    assert answers == ["acme"] * PROCESSES
    assert (counts.refreshes, counts.reuses, counts.refusals) == (1, 0, 0)
    kept = app.credentials(MEANT, "keap").read()
    assert kept is not None
    assert not read_credential(kept).ended
