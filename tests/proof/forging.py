"""Somebody with a valid signer key who writes a snapshot that no honest writer would write."""

import copy
import json
from collections.abc import Callable
from typing import Any

from listbackup.clock import format_time
from listbackup.crypto.signing import write_envelope
from listbackup.ids import make_sync_id
from listbackup.testing.vaults import Trial
from listbackup.vault import layout
from listbackup.vault.codecs import compress
from listbackup.vault.ledger import ENTRY_TYPE
from listbackup.vault.refs import digest

Document = dict[str, Any]


class Forger:
    """Takes an honest snapshot's documents, lets them be changed, and commits what came of it."""

    def __init__(self, trial: Trial, stream: str) -> None:
        self.trial = trial
        self.vault = trial.open()
        self.view = self.vault.source("shop")
        newest = self.view.newest()
        assert newest is not None
        self.started = self.vault.host.clock.now()
        self.sync = make_sync_id(self.started, self.vault.host.entropy)
        self.prefix = layout.sync_prefix("default", "shop", self.sync, self.started)
        self.manifest: Document = json.loads(self.vault.objects.read(newest.manifest))
        self.manifest |= {"sync": self.sync, "name": "20991231-235959"}
        self.entry: Document = {}
        self.kind = "commit"
        self.stream: Document = next(
            one for one in self.manifest["streams"] if one["name"] == stream
        )
        snapshot = trial.snapshot("shop:latest")
        self.state: Document = json.loads(snapshot.state(stream).to_bytes())
        self.dead: Document | None = None
        self.manifest_bytes: Callable[[bytes], bytes] = lambda plain: plain
        self.state_bytes: Callable[[bytes], bytes] = lambda plain: plain
        self.entry_bytes: Callable[[bytes], bytes] = lambda plain: plain

    def twin(self, name: str) -> Document:
        """Add one more stream with the same state under another name."""
        stream = copy.deepcopy(self.stream)
        state = {**self.state, "stream": name}
        ref = self.put(f"twin-{len(self.manifest['streams'])}.json.gz", _write(state))
        stream |= {"name": name, "path": layout.stream_path(name), "state": ref}
        self.manifest["streams"].append(stream)
        return stream

    def put(self, name: str, plain: bytes, *, codec: str = "gzip", **lies: Any) -> Document:
        """Store an object in the forged sync's directory; `lies` stand in its ref."""
        body = compress(plain) if codec == "gzip" else plain
        return self.put_encoded(name, body, plain_bytes=len(plain), sha=digest(plain)) | {
            "codec": codec,
            **lies,
        }

    def put_encoded(self, name: str, body: bytes, *, plain_bytes: int, sha: str) -> Document:
        """Store what is encoded already, sealed where the vault is."""
        sealed = self.vault.account.sealed
        key = self.vault.keyring.ensure("shop", self.started).key if sealed else None
        blob = self.vault.objects.wrap_up(
            self.prefix + name, body, plain_bytes, sha, key, codec="gzip", rows=0, encoding=None
        )
        self.vault.objects.put(blob, "data")
        return blob.ref.to_json()

    def commit(self) -> None:
        """Put state list and manifest, and sign the entry."""
        if self.dead is not None:
            self.state["dead"] = [self.put("dead.json.gz", _write(self.dead))]
        if "state" in self.stream and self.stream["state"] is not None:
            plain = self.state_bytes(_write(self.state))
            self.stream["state"] = self.put("state.json.gz", plain) | self.stream.get("lie", {})
        ref = self.put("manifest.json", self.manifest_bytes(_write(self.manifest)))
        self.vault.store.barrier()
        self._sign(ref)
        self.vault.store.barrier()

    def _sign(self, manifest: Document) -> None:
        account, ledger = self.vault.account.mark, self.view.ledger
        head = self.view.mark
        assert head is not None
        honest = {
            "kind": self.kind,
            "number": head.number + 1,
            "prev": head.digest,
            "time": format_time(self.started),
            "nonce": "00",
            "vault": self.vault.id,
            "account": "default",
            "source": "shop",
            "account_head": {"number": account.number, "digest": account.digest},
            "sync": self.sync,
            "name": self.manifest["name"],
            "as_of": self.manifest["as_of"],
            "status": self.manifest["status"],
            "manifest": manifest,
            "data_key": None,
            "signer": self.vault.signer().public.id,
            "clock_suspect": False,
        }
        payload = self.entry_bytes(_write(honest | self.entry))
        raw = write_envelope(ENTRY_TYPE, payload, self.vault.signer())
        place = layout.place(ledger.key(head.number + 1))
        self.vault.store.put(place, raw, tag="meta")


def _write(document: Document) -> bytes:
    return json.dumps(document).encode("ascii")
