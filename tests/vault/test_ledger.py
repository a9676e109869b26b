"""Ledgers: who may write what, in which order, and what is left when entries are lost or forged."""

import base64
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from listbackup.crypto.signing import SigningKey, make_signing_key
from listbackup.errors import IntegrityError, RefusedError, StoreUnavailable
from listbackup.events import Warned
from listbackup.objectstore import ObjectStore, Tag
from listbackup.objectstore.passing import PassingStore
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import Trial, expect, make_rows
from listbackup.vault.beginning import begin_sync
from listbackup.vault.ledger import Mark
from listbackup.vault.unlocking import Secret

ROWS = {"a": make_rows(30)}
SHOP = ListedSource(ROWS)


def ledger(trial: Trial, source: str | None = None) -> list[Path]:
    """Give the files of the account's ledger or a source's, oldest first."""
    below = f"sources/{source}/" if source else ""
    return sorted((trial.place / "data/accounts/default" / below / "ledger").iterdir())


def bare(trial: Trial) -> Trial:
    """Give a machine that has the key file and has never seen the vault."""
    other = Trial(trial.root, play_host(77), trial.encryption, name="bare")
    if trial.config.exists() and not other.config.exists():
        shutil.copytree(trial.config, other.config)
    return other


def append(trial: Trial, source: str, kind: str, key: SigningKey) -> None:
    """Write an entry at a source's end, judged by nobody."""
    vault = trial.open()
    view, mark = vault.source(source), vault.account.mark
    head = {"account_head": {"number": mark.number, "digest": mark.digest}}
    now = vault.host.clock.now()
    view.ledger.append(kind, lambda number: head, key, view.mark, lambda entry: None, now)


class LatePut(PassingStore):
    """Loses the answer and the bytes of the first put of a key, and stores them only when the
    next put of it comes."""

    def __init__(self, inside: ObjectStore, ending: str) -> None:
        super().__init__(inside)
        self._ending = ending
        self.late: bytes | None = None

    def without_retries(self) -> ObjectStore:
        """Give itself: there are none."""
        return self

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store, but not the first time."""
        if key.endswith(self._ending):
            if self.late is None:
                self.late = bytes(body)
                raise StoreUnavailable("no answer")
            self.inside.put(key, self.late, tag=tag)
            self.inside.barrier()
        self.inside.put(key, body, tag=tag, replace=replace, retain_until=retain_until)


def test_an_entry_that_arrives_late_is_known_as_our_own(trial: Trial) -> None:
    trial.sync(SHOP)
    late: list[LatePut] = []

    def wrap(store: ObjectStore) -> ObjectStore:
        late.append(LatePut(store, "sources/shop/ledger/000000000003.json"))
        return late[-1]

    trial.wrap = wrap
    result = trial.sync(SHOP)
    assert any(store.late is not None for store in late)
    assert result.commit.number == 3
    assert len(trial.open().source("shop").commits) == 2


def test_two_first_syncs_of_one_source_share_its_opening(trial: Trial) -> None:
    slow, quick = trial.open(), trial.open()
    begin_sync(quick, "shop").close()
    assert slow.sources() == []
    begin_sync(slow, "shop").close()
    assert len(ledger(trial, "shop")) == 1
    trial.sync(SHOP)
    assert trial.check("records").findings == []


class Meanwhile(PassingStore):
    """Lets something else happen right before the first put of a key."""

    def __init__(self, inside: ObjectStore, ending: str, act: Callable[[], None]) -> None:
        super().__init__(inside)
        self._ending = ending
        self._act: Callable[[], None] | None = act

    def without_retries(self) -> ObjectStore:
        """Give itself: there are none."""
        return self

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Let it happen, then store."""
        if key.endswith(self._ending) and self._act is not None:
            act, self._act = self._act, None
            act()
        self.inside.put(key, body, tag=tag, replace=replace, retain_until=retain_until)


def test_an_opening_that_lost_the_race_takes_the_winners(trial: Trial) -> None:
    rival = Trial(trial.root, trial.host, trial.encryption)
    first = "sources/shop/ledger/000000000001.json"

    def sync() -> None:
        rival.sync(SHOP)

    trial.wrap = lambda store: Meanwhile(store, first, sync)
    begin_sync(trial.open(), "shop").close()
    trial.wrap = lambda store: store
    kinds = [json.loads(read_payload(path))["kind"] for path in ledger(trial, "shop")]
    assert kinds == ["open", "commit"]
    assert trial.check("records").findings == []


def read_payload(path: Path) -> bytes:
    """Give what an entry's envelope holds."""
    return base64.b64decode(json.loads(path.read_text())["payload"])


def test_a_strangers_entry_of_an_unknown_kind_is_forged_and_not_new(trial: Trial) -> None:
    trial.sync(SHOP)
    older = trial.snapshot().id
    append(trial, "shop", "shred", make_signing_key(trial.host.entropy))
    assert any("not signed" in one.problem for one in trial.check().findings)
    with pytest.raises(IntegrityError):
        trial.restore("latest")
    assert trial.restore(older) == expect(ROWS)
    with pytest.raises(IntegrityError):
        trial.sync(SHOP)


def test_a_signed_entry_of_an_unknown_kind_makes_the_source_too_new(trial: Trial) -> None:
    trial.sync(SHOP)
    append(trial, "shop", "erase", trial.open().signer())
    with pytest.raises(RefusedError, match="'erase'"):
        trial.restore()


def test_a_sync_does_not_build_on_an_entry_that_a_stranger_put_in_its_way(trial: Trial) -> None:
    trial.sync(SHOP)
    vault = trial.open()
    writer = begin_sync(vault, "shop")
    append(trial, "shop", "checkpoint", make_signing_key(trial.host.entropy))
    reading = SHOP.open()
    try:
        with pytest.raises(IntegrityError, match="not signed"):
            writer.commit(reading.identity, reading.as_of, [], (), reading.finish(), ())
    finally:
        writer.close()


def test_an_entry_that_does_not_follow_what_a_sync_knows_is_a_fork(trial: Trial) -> None:
    trial.sync(SHOP)
    vault = trial.open()
    writer = begin_sync(vault, "shop")
    view, mark = vault.source("shop"), vault.account.mark
    fields = {"account_head": {"number": mark.number, "digest": mark.digest}}
    other = Mark(2, "sha256:" + "0" * 64)
    label = fields | {"snapshot": 2, "tags": [], "note": ""}
    now = vault.host.clock.now()
    view.ledger.append("label", lambda n: label, vault.signer(), other, lambda entry: None, now)
    reading = SHOP.open()
    try:
        with pytest.raises(IntegrityError, match="forked at number 3"):
            writer.commit(reading.identity, reading.as_of, [], (), reading.finish(), ())
    finally:
        writer.close()


def test_an_entry_exchanged_for_another_of_the_same_signer_is_named(trial: Trial) -> None:
    trial.sync(SHOP)
    original, state = trial.root / "original", trial.root / "home" / "state"
    shutil.copytree(trial.place, original)
    shutil.copytree(state, trial.root / "kept")
    trial.sync(ListedSource({"a": make_rows(9, "other")}))
    entry, others = ledger(trial, "shop")[2], trial.root / "others"
    shutil.move(trial.place, others)
    shutil.move(original, trial.place)
    shutil.rmtree(state)
    shutil.move(trial.root / "kept", state)
    for _ in range(2):
        trial.sync(SHOP)
    forged = others / entry.relative_to(trial.place)
    entry.chmod(0o600)
    entry.write_bytes(forged.read_bytes())
    shutil.copytree(others, trial.place, dirs_exist_ok=True, ignore=lambda *_: {"ledger"})
    problems = [one.problem for one in trial.check().findings]
    assert any("000000000003.json is not the one that its successor names" in p for p in problems)
    assert 3 not in trial.open(whole=True).source("shop", whole=True).commits


def test_only_the_root_key_says_who_may_sign(trial: Trial) -> None:
    trial.sync(SHOP)
    account, stranger = trial.open().account, make_signing_key(trial.host.entropy)
    key = base64.b64encode(stranger.public.raw).decode()
    body = {"key": key, "label": "stranger"}
    for signer in (stranger, trial.open().signer()):
        now = trial.host.clock.now()
        account.ledger.append(
            "signer", lambda number: body, signer, account.mark, lambda entry: None, now
        )
        vault = trial.open(whole=True)
        assert stranger.public.id not in vault.account.signers
        assert any("not signed by a key that may" in one.message for one in vault.problems)
        path = ledger(trial)[-1]
        path.chmod(0o600)
        path.unlink()


def test_an_account_ledger_set_back_alone_is_noticed_on_a_bare_machine(trial: Trial) -> None:
    trial.sync(SHOP)
    trial.sync(SHOP)
    newest = trial.snapshot().commit
    for path in ledger(trial)[-1:]:
        path.unlink()
    machine = bare(trial)
    assert machine.restore() == expect(ROWS)
    warnings = [one.message for one in machine.events if isinstance(one, Warned)]
    assert any("rolled back or replaced" in message for message in warnings)
    assert any("rolled back" in one.problem for one in machine.check().findings)
    vault = machine.open()
    vault.source("shop")
    with pytest.raises(IntegrityError, match="Writing is refused"):
        vault.signer()
    assert newest.name == machine.snapshot().name


def test_an_account_whose_ledger_is_gone_is_damaged_and_not_absent(trial: Trial) -> None:
    trial.sync(SHOP)
    for path in ledger(trial):
        path.unlink()
    for machine in (trial, bare(trial)):
        with pytest.raises(IntegrityError, match="lost whole"):
            machine.open()


def test_an_entry_far_behind_a_gap_is_named_and_not_counted_to(trial: Trial) -> None:
    trial.sync(SHOP)
    newest = ledger(trial, "shop")[-1]
    shutil.copyfile(newest, newest.with_name("999999999999.json"))
    problems = [one.problem for one in trial.check().findings]
    assert any("entries 3 to 999999999998 of default/shop are lost" in one for one in problems)


def test_a_lost_descriptor_is_put_back_from_the_ledgers_first_entry(trial: Trial) -> None:
    trial.sync(SHOP)
    descriptor = trial.place / "data" / "vault.json"
    raw = descriptor.read_bytes()
    descriptor.unlink()
    with pytest.raises(IntegrityError, match="is lost"):
        trial.open()
    entry = json.loads(read_payload(ledger(trial)[0]))
    descriptor.write_bytes(base64.b64decode(entry["vault_json"]))
    assert descriptor.read_bytes() == raw
    assert trial.restore() == expect(ROWS)


def test_a_stream_named_like_a_sealed_manifest_has_a_place_of_its_own(trial: Trial) -> None:
    rows = {"manifest.json.lbo": make_rows(3000), "manifest.json": make_rows(1)}
    trial.sync(ListedSource(rows))
    assert trial.restore() == expect(rows)
    assert trial.check("records").findings == []


def test_what_signed_the_commits_is_told_by_the_kit_alone(trial: Trial) -> None:
    trial.sync(SHOP)
    machine = Trial(trial.root, play_host(5), trial.encryption, name="empty")
    vault = machine.open(secrets=[Secret("kit", trial.kit().secret, "kit")])
    signers = {commit.signer for commit in vault.source("shop").commits.values()}
    assert signers <= set(vault.account.signers)


def test_files_that_were_blown_up_are_named_without_being_read_whole(trial: Trial) -> None:
    trial.sync(ListedSource({"a": make_rows(3000)}))
    for path in sorted(path for path in trial.place.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        os.truncate(path, 2**40)
        with suppress(IntegrityError):
            assert trial.check("data").findings, path
        path.write_bytes(raw)
    assert trial.check("data").findings == []
