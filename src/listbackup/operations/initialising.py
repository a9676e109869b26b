"""`init`: a new vault, its store probed first, its keys where a person can find them."""

import os
from dataclasses import dataclass
from pathlib import Path

from listbackup.app import App, Reach
from listbackup.events import StepDone, StepStarted, Warned
from listbackup.operations.probes import probe_for_writing
from listbackup.vault.accounts import Encryption
from listbackup.vault.creation import Wishes, create_vault, refuse_existing


@dataclass(frozen=True, slots=True)
class InitWishes:
    """What a new vault shall be like, beyond where it is and what opens it."""

    encryption: Encryption = "sealed"
    region: str = "local"
    deployment: str | None = None


@dataclass(frozen=True, slots=True)
class Initialised:
    """A vault that was made: where it is, and the files that open it."""

    vault: str
    url: str
    account: str
    encryption: Encryption
    kit_path: Path
    key_path: Path | None
    resumed: bool


def initialise(app: App, reach: Reach, wishes: InitWishes) -> Initialised:
    """Make a vault in an empty place. Key file and kit are made where `reach` names them, else in
    the config directory. Raises RefusedError when there is one or the store cannot hold one."""
    access = app.access(reach)
    known = app.installation.pins().get(access.url)
    named = app.named(reach)
    asked = Wishes(
        config=app.directories.config,
        encryption=wishes.encryption,
        account=app.account(reach),
        region=wishes.region,
        deployment=wishes.deployment,
        key_file=named.key_file,
        passphrase=app.passphrase(reach),
        kit_file=named.kit_file,
        label=os.uname().nodename,
    )
    refuse_existing(access, asked)
    app.emit(StepStarted("probing the store"))
    probe = probe_for_writing(app, access.url, volatile=reach.volatile)
    app.emit(StepDone("probing the store"))
    created = create_vault(access, asked, probe)
    if known is not None and known != created.vault:
        app.emit(
            Warned(f"Another vault ({known}) was known at this address; it is forgotten here.")
        )
    return Initialised(
        created.vault,
        access.url,
        created.account,
        created.encryption,
        created.kit_path,
        created.key_path,
        created.resumed,
    )
