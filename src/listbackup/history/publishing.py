"""Publishing derived objects: after a commit what it changed, and on demand whatever is not right.

Best effort: the snapshot is acknowledged before, and nothing here is needed by any. Objects are put
before the sync history that says they were, so that a run that was killed is noticed by the next
one, which then looks at everything. In a sealed vault nothing is published: nobody else could read
it, and listbackup itself makes these answers from what is signed.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from listbackup.history.currents import MOST_ROWS, Currents
from listbackup.history.derivations import Allowance, Basis, Fault, Flaw
from listbackup.history.describing import Descriptions
from listbackup.history.measures import Measures
from listbackup.history.syncrecords import Told, find_history, history_flaws, read_records
from listbackup.vault.derived import Shelf
from listbackup.vault.opening import Vault
from listbackup.vault.sources import SourceView

AT_ONCE = 8
LEAST_SECONDS = 0.5
SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Terms:
    """How to publish: how long the backup took, in seconds; whether `current` files are wanted
    (None: as far as the time allows that publishing may take); and up to how many rows."""

    seconds: float = 0.0
    current: bool | None = None
    current_max_rows: int = MOST_ROWS


@dataclass(frozen=True, slots=True)
class Imperfect:
    """A derived object that is missing, damaged or stale, or a left-over of one."""

    key: str
    fault: Fault


def publishes(vault: Vault) -> bool:
    """Tell whether derived objects are made in this vault."""
    return vault.account.encryption != "sealed"


def publish(vault: Vault, source: str, told: Told, terms: Terms) -> list[str]:
    """Publish what a commit changed; give the streams that were too large for a file. Nothing is
    done where another commit has followed: it publishes. Raises IntegrityError, StoreError,
    RefusedError, FailedError: then something is left as it was."""
    if not publishes(vault):
        return []
    vault.refuse_contradictions()
    view = vault.source(source)
    commit = view.newest()
    if commit is None or commit.number != told.number:
        return []
    whole = not _is_up_to_date(Shelf(vault.store, vault.account.name, view), view)
    basis = Basis(vault, view, commit, whole=whole)
    basis.read_ahead()
    most = max(LEAST_SECONDS, SHARE * terms.seconds)
    allowance = Allowance(vault.host.clock, most)
    _put(basis, [*Descriptions(basis).flaws(), *Measures(basis, allowance).flaws()])
    large = _publish_currents(basis, terms, allowance)
    vault.store.barrier()
    _put(basis, list(history_flaws(basis, told)))
    vault.store.barrier()
    return large


def _is_up_to_date(shelf: Shelf, view: SourceView) -> bool:
    """Tell whether everything was published of the snapshot before the newest."""
    numbers = sorted(view.commits)[:-1]
    return bool(numbers) and numbers[-1] in read_records(find_history(shelf))


def _publish_currents(basis: Basis, terms: Terms, allowance: Allowance) -> list[str]:
    currents = Currents(basis)
    currents.drop_gone()
    large: list[str] = []
    wanted = currents.wanted()
    if terms.current is False:
        currents.drop_stale()
    elif wanted:
        unbound = Allowance(basis.vault.host.clock, None)
        time = unbound if terms.current else allowance
        large = currents.make(wanted, time, terms.current_max_rows)
    basis.shelf.store.barrier()
    currents.close()
    return large


def look(vault: Vault, source: str, *, read: bool = False) -> list[Imperfect]:
    """Find what is missing, damaged or stale of a source; with `read`, files are read whole.
    Raises IntegrityError where the newest snapshot cannot be read."""
    basis = _open_whole(vault, source)
    if basis is None:
        return []
    currents = Currents(basis)
    found = [Imperfect(one.key, one.fault) for one in _all_flaws(basis)]
    found += [Imperfect(currents.files[one].key, "damaged") for one in currents.damaged(read=read)]
    stale = [currents.files[one].key for one in currents.stale()]
    if currents.broken:
        found.append(Imperfect(currents.index, "damaged"))
    found += [Imperfect(key, "stale") for key in [*stale, *currents.unnamed()]]
    return list({one.key: one for one in found}.values())


def repair(vault: Vault, source: str) -> list[str]:
    """Make again what `look` would find, in as much time as it takes; give the keys that were put
    or removed. Raises what `publish` raises."""
    basis = _open_whole(vault, source)
    if basis is None:
        return []
    vault.refuse_contradictions()
    shelf = basis.shelf
    done = _put(basis, _all_flaws(basis))
    currents = Currents(basis)
    unnamed = currents.unnamed()
    again = {*currents.damaged(read=True), *currents.stale()}
    if currents.broken:
        paths = {key.split("/")[-3] for key in unnamed}
        again |= {name for name, entry in basis.entries.items() if entry.path in paths}
    currents.drop_gone()
    names = sorted(again & basis.entries.keys())
    for name in names:
        currents.files.pop(name, None)
    if names:
        currents.make(names, Allowance(vault.host.clock, None))
    shelf.store.barrier()
    if currents.close():
        done.append(currents.index)
        done += [currents.files[name].key for name in names if name in currents.files]
    for key in currents.unnamed():
        shelf.remove(key)
        done.append(key)
    shelf.store.barrier()
    return done


def _open_whole(vault: Vault, source: str) -> Basis | None:
    view = vault.source(source, whole=True)
    commit = view.newest()
    if commit is None or not publishes(vault):
        return None
    return Basis(vault, view, commit, whole=True)


def _all_flaws(basis: Basis) -> list[Flaw]:
    allowance = Allowance(basis.vault.host.clock, None)
    return [
        *Descriptions(basis).flaws(),
        *Measures(basis, allowance).flaws(),
        *history_flaws(basis, None),
    ]


def _put(basis: Basis, flaws: Iterable[Flaw]) -> list[str]:
    """Make objects, one after the other, and put them, several at once; give their keys."""
    bodies = {flaw.key: flaw.make() for flaw in flaws}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(basis.shelf.put, bodies.keys(), bodies.values()):
            pass
    return list(bodies)
