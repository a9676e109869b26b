"""How long it takes to decide what of a very long history is kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bench.stage import Contender, Stage
from bench.targets import Part, Target
from listbackup.app import App, Reach
from listbackup.clock import format_time
from listbackup.host import Host
from listbackup.ids import make_sync_id
from listbackup.records import AsOf
from listbackup.sync.engine import SyncOptions, run_sync
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import make_rows
from listbackup.vault import layout
from listbackup.vault.ledger import Mark
from listbackup.vault.opening import Vault
from listbackup.vault.pruning import plan_prune
from listbackup.vault.reading import open_snapshot
from listbackup.vault.retention import Candidate, Rules, plan_retention
from listbackup.vault.sources import Committed, account_head
from listbackup.vault.upkeep import keep_up

SOURCE = "hourly"
ROWS_A_SNAPSHOT = 100
"""So many of --rows make one snapshot of the history: 10,000 of a million."""
SECONDS = 2.0
RULES = Rules(last=24, daily=60, monthly=24, yearly=9, zone="Europe/Berlin")
KEEP = "--keep-last 24 --keep-daily 60 --keep-monthly 24 --keep-yearly 9"


def measure_plans(stage: Stage) -> Part:
    """Measure a prune of a history of hourly snapshots: the rules alone, and the whole command."""
    count = max(2, stage.options.rows // ROWS_A_SNAPSHOT)
    place = stage.vault("history", "sealed")
    stage.say(f"{count:,} hourly snapshots: making them")
    app = App(stage.environment, host=Host())
    reach = Reach(str(place), volatile=True)
    make_history(app.vault(reach), count)
    keep_up(app.vault(reach), SOURCE)

    def command() -> Sequence[str]:
        given = ("--vault", str(place), "--volatile", "--json")
        return stage.listbackup("prune", SOURCE, *KEEP.split(), "--dry-run", *given)

    measured = stage.take_turns([Contender("prune --dry-run", command)])
    facts = {"snapshots": count, **measure_plan(app, reach)}
    plan = facts["plan, s"]
    targets = [Target(f"prune plan over {count} snapshots", plan, SECONDS, "at most", "s")]
    return Part("prune", f"Deciding over {count:,} snapshots", measured, None, facts, targets)


def measure_plan(app: App, reach: Reach) -> dict[str, float]:
    """Decide what is kept, from opening the vault on: ledger, rules, holds, newest states. What
    dropping would free, which takes every manifest, is only in the whole command."""
    clock = app.host.clock
    began = clock.monotonic()
    decided = plan_prune(app.vault(reach), SOURCE, RULES)
    ended = clock.monotonic()
    commits = decided.view.commits.values()
    plan_retention([Candidate(one.number, one.end) for one in commits], RULES)
    return {
        "kept": len(decided.plan.keep),
        "dropped": len(decided.plan.drop),
        "plan, s": ended - began,
        "of that the rules, s": clock.monotonic() - ended,
    }


def make_history(vault: Vault, count: int) -> None:
    """Back up once, then commit as many hourly snapshots more, all of the same states."""
    source = ListedSource({f"table_{n}": make_rows(50) for n in range(10)})
    now = vault.host.clock.now()
    first = now - timedelta(hours=count)
    source.moment = first
    commit = run_sync(source, vault, SOURCE, SyncOptions(jobs=1)).commit
    manifests = []
    for hour in range(1, count):
        manifests.append(_put_manifest(vault, commit, first + timedelta(hours=hour)))
    vault.store.barrier()
    view, signer = vault.source(SOURCE), vault.signer()
    mark = view.mark
    for moment, body in manifests:
        entry = view.ledger.append(
            "commit",
            lambda number, body=body: account_head(vault.account) | body,  # type: ignore[misc]
            signer,
            mark,
            lambda entry: None,
            moment,
        )
        mark = Mark(entry.number, entry.digest)


def _put_manifest(
    vault: Vault, commit: Committed, moment: datetime
) -> tuple[datetime, dict[str, object]]:
    sync = make_sync_id(moment, vault.host.entropy)
    manifest = replace(
        open_snapshot(vault, commit, SOURCE).manifest,
        sync=sync,
        name=moment.strftime("%Y%m%d-%H%M%S"),
        started=moment,
        as_of=AsOf(moment, moment),
        objects=(),
    )
    data = vault.keyring.ensure(SOURCE, moment)
    key = layout.sync_prefix(vault.account.name, SOURCE, sync, moment) + "manifest.json"
    blob = vault.objects.encode(key, manifest.to_bytes(), data.key)
    vault.objects.put(blob, "meta")
    return moment, {
        "sync": sync,
        "name": manifest.name,
        "as_of": {"from": format_time(moment), "to": format_time(moment)},
        "status": "complete",
        "manifest": blob.ref.to_json(),
        "data_key": data.to_json(),
        "signer": vault.signer().public.id,
        "clock_suspect": False,
        "streams": commit.streams,
    }
