"""Finding out what a store really does, whatever it says of itself.

Everything happens below `temp/probe-{random}/` and is taken away again; only an object that was
put under a lock, to see whether the lock holds, stays until its time is over. Knows nothing of
vaults: whoever asks decides what to do with the result.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

from listbackup.errors import ListbackupError, RefusedError
from listbackup.host import Host
from listbackup.objectstore import ObjectStore
from listbackup.objectstore.findings import EXCLUSIVE, Effort, ProbeResult
from listbackup.objectstore.trial import Trial


def probe(
    open_client: Callable[[], ObjectStore], host: Host, effort: Effort | None = None
) -> ProbeResult:
    """Try out a store through several clients, which are opened and closed here.

    Raises what the store raises where it takes no object at all (AuthError, RefusedError,
    StoreError); everything else becomes a finding.
    """
    effort = effort or Effort()
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(open_client())) for _ in range(effort.clients)]
        trial = Trial(clients, host, effort, f"temp/probe-{host.entropy(8).hex()}/")
        trial.put("first", b"first")
        with _swept(trial):
            return ProbeResult(clients[0].url, clients[0].now(), effort, tuple(trial.run()))


def refuse_unfit(result: ProbeResult) -> None:
    """Raise RefusedError for a store that failed create-exclusive."""
    if result.fit:
        return
    failed = [
        found for found in result.findings if found.name in EXCLUSIVE and found.outcome != "passed"
    ]
    raise RefusedError(
        f"this store does not keep create-exclusive ({failed[0].name}: {failed[0].detail})",
        subject=result.url,
        risk="Nothing was written. Two backups at once could destroy each other's snapshots there.",
        hint="Use a local directory (ext4, xfs, btrfs, zfs, apfs), Amazon S3, or a server whose "
        "PutObject honours `If-None-Match: *`; a newer version of this server may.",
    )


@contextmanager
def _swept(trial: Trial) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(ListbackupError):
            for info in list(trial.store.list(trial.prefix)):
                _sweep(trial, info.key)


def _sweep(trial: Trial, key: str) -> None:
    for _ in range(3):
        with suppress(ListbackupError):  # a locked version stays; its finding names it
            trial.remove(trial.store, key)
        if not trial.store.features.versions:
            return
