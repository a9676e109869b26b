"""`init`, `check` and `vault probe`."""

from collections.abc import Iterator
from typing import Annotated, Literal

from cyclopts import Parameter

from listbackup.cli.options import OutputOptions, VaultOptions, flag
from listbackup.cli.output import open_output
from listbackup.cli.words import duration, number, plural, size
from listbackup.errors import IntegrityError, RefusedError
from listbackup.operations.checks import Checked, check_vault
from listbackup.operations.initialising import Initialised, InitWishes, initialise
from listbackup.operations.probes import Probed, probe_store


def init(
    where: Annotated[
        str | None,
        Parameter(name="VAULT", help="A directory or s3://bucket/prefix; else LISTBACKUP_VAULT."),
    ] = None,
    /,
    *,
    encryption: Annotated[
        Literal["sealed", "none", "sse-s3", "sse-kms"],
        Parameter(help="`sealed`, or `none`: readable by whoever reads the store."),
    ] = "sealed",
    region: Annotated[str, Parameter(help="A word for where the store is.")] = "local",
    deployment: Annotated[
        str | None, Parameter(help="An id of this deployment; random by default.")
    ] = None,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Make a new vault in an empty place.

    A key file and a recovery kit are written into the config directory (0600), or where --key-file
    and --kit-file say; with --passphrase-file the passphrase takes the place of the key file. Their
    paths are printed. Store the kit elsewhere, then run `listbackup key verify-kit`.
    """
    if encryption not in ("sealed", "none"):
        raise RefusedError(
            f"The encryption {encryption} is not offered yet.",
            hint="Use `sealed` (the default) or `none`.",
        )
    with open_output(options.json) as output:
        wishes = InitWishes(encryption, region, deployment)
        made = initialise(output.app, options.reach(where), wishes)
        output.show("initialised", made, _describe_new(made))
    return 0


def _describe_new(made: Initialised) -> Iterator[str]:
    yield f"{'Finished' if made.resumed else 'Made'} the vault {made.vault}"
    yield f"  at            {made.url}"
    yield f"  encryption    {made.encryption}"
    if made.key_path is not None:
        yield f"  key file      {made.key_path}"
    yield f"  recovery kit  {made.kit_path}"
    yield ""
    yield "Keep a copy of the kit away from this machine: with it and the store everything can be"
    yield "restored; without kit and key nothing can. Then prove the copy and drop the local one:"
    yield "  listbackup key verify-kit --kit-file COPY && listbackup key kit --forget-local"


def check(
    *,
    read_data: Annotated[
        bool, flag("Read every stored byte: digests, and the seal of every frame.")
    ] = False,
    records: Annotated[bool, flag("Also decompress, recount and hash every line again.")] = False,
    repair_derived: Annotated[
        bool, flag("Make again what is published for other tools and is missing, damaged or old.")
    ] = False,
    options: VaultOptions = VaultOptions(),  # noqa: B008
) -> int:
    """Look for what is damaged, lost, exchanged, forged or rolled back.

    Exit code 13 when something is found, with the snapshots and streams that it affects.
    """
    depth: Literal["structure", "data", "records"]
    depth = "records" if records else "data" if read_data else "structure"
    with open_output(options.json) as output:
        checked = check_vault(output.app, options.reach(), depth, repair_derived=repair_derived)
        output.show("checked", checked, _describe_check(checked))
    if not checked.sound:
        affected = sorted({name for one in checked.findings for name in one.snapshots})
        raise IntegrityError(
            f"The check found {plural(len(checked.findings), 'problem')}.",
            subject=checked.url,
            risk=f"Affected: {', '.join(affected)}. Other snapshots can be restored."
            if affected
            else "No snapshot is known to be affected, but the vault is not as it was left.",
            hint="Restore from another snapshot or another copy of the vault; do not write to it.",
        )
    return 0


def _describe_check(checked: Checked) -> Iterator[str]:
    looked = f"{plural(checked.sources, 'source')}, {plural(checked.snapshots, 'snapshot')}"
    objects = f"{plural(checked.objects, 'object')} ({size(checked.bytes)})"
    rows = f", {number(checked.rows)} rows" if checked.rows else ""
    yield f"Checked {looked}, {objects}{rows} in {duration(checked.seconds)}."
    yield from checked.notes
    if checked.repaired:
        yield f"Made {plural(len(checked.repaired), 'derived object')} again:"
        yield from (f"  {one}" for one in checked.repaired)
    if not checked.sound:
        for one in checked.findings:
            yield f"PROBLEM  {one.problem}"
            yield f"         object     {one.object}"
            yield f"         snapshots  {', '.join(one.snapshots) or 'none known'}"
            if one.streams:
                yield f"         streams    {', '.join(one.streams)}"
        return
    yield "Nothing is wrong. Proven:"
    yield from (f"  + {one}" for one in checked.proven)
    yield "Not proven:"
    yield from (f"  - {one}" for one in checked.not_proven)


def probe(
    url: Annotated[str, Parameter(name="URL", help="A directory or s3://bucket/prefix.")],
    /,
    *,
    volatile: Annotated[bool, flag("Allow a directory in memory.")] = False,
    output: OutputOptions = OutputOptions(),  # noqa: B008
) -> int:
    """Try whether a store keeps the promises that a vault rests on, by racing clients.

    Writes and deletes objects of its own below `probe/` there. Exit code 5 when it may not hold a
    vault.
    """
    with open_output(output.json) as out:
        probed = probe_store(out.app, url, volatile=volatile)
        out.show("probed", probed, _describe_probe(probed))
    if not probed.fit:
        raise RefusedError(
            "This store cannot hold a vault: it does not refuse to replace an object.",
            subject=probed.url,
            hint="Use a local directory, or a store that honours If-None-Match.",
        )
    return 0


def _describe_probe(probed: Probed) -> Iterator[str]:
    yield f"{probed.url}: {'fit for a vault' if probed.fit else 'NOT fit for a vault'}"
    effort = probed.effort
    yield f"  {effort.clients} clients of {effort.connections} connections, {effort.rounds} rounds"
    for one in probed.findings:
        yield f"  {one.outcome:<11}  {one.name.replace('_', ' ')}: {one.detail}"
