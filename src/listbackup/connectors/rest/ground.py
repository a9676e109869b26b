"""What all streams of one reading stand on: the platform, who asks it, its time, and the way from
what the YAML says to a request.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from listbackup.connectors.rest.answers import Asker
from listbackup.connectors.rest.filling import Draft, Values, draft
from listbackup.connectors.rest.models.authentication import ApiKey
from listbackup.connectors.rest.models.pagination import OnePage, Paging, PagingOrName
from listbackup.connectors.rest.models.placeholders import Placeholder
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.models.streams import Request, Stream
from listbackup.connectors.rest.pace import Pace
from listbackup.connectors.rest.pages import cut_values, fields_of
from listbackup.errors import SourceError

SAID = {"title", "fields", "restore", "covers", "full_every", "concurrent", "optional"}


@dataclass(frozen=True)
class Ground:
    """Of one reading. `now` is when it began, on the platform's clock where that is known, and
    `began` the same on ours."""

    platform: Platform
    base_url: str
    settings: Mapping[str, str]
    asker: Asker
    pace: Pace
    now: datetime
    began: datetime

    def draft(self, request: Request, values: Values, subject: str) -> Draft:
        """Fill a request in. Raises SourceError."""
        made = draft(
            self.base_url, self.platform.headers, request, {**self.values, **values}, subject
        )
        ways = [one for one in self.platform.authentication if isinstance(one, ApiKey)]
        places = [place for way in ways for place in (way, *way.also)]
        return replace(made, hidden=frozenset(one.param for one in places if one.param))

    def digest(self, spec: Stream) -> str:
        """Give a digest of all that decides which records a stream has: what is asked for, where,
        and by which of its parents. What is only said of records does not count."""
        platform = self.platform
        specs = {one.name: one for one in platform.streams}
        chain, at = [], spec
        while True:
            chain.append(at.model_dump(mode="json", exclude=SAID))
            if at.parent is None:
                break
            at = specs[at.parent.stream]
        shared = platform.model_dump(mode="json", include={"headers", "paging", "feeds"})
        asked = [self.base_url, dict(self.settings), shared, chain]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def values(self) -> Values:
        """What `{setting.NAME}` stands for."""
        return {Placeholder("setting", name): value for name, value in self.settings.items()}

    @property
    def heeds_signs(self) -> bool:
        """Whether a page that says that something failed is none, whatever its status."""
        return self.platform.failures.signs == "heeded"

    def find_paging(self, paging: PagingOrName | None) -> Paging:
        """Give a way of paging, by its name or as it stands; one page where there is none."""
        if paging is None:
            return OnePage(kind="one_page")
        if isinstance(paging, str):
            return self.platform.paging[paging]
        return paging


async def name_properties(ground: Ground, spec: Stream, values: Values) -> Mapping[str, Any]:
    """Give the parameter that names the fields of a stream; none where it needs none. Raises what
    asking raises, SourceError where the platform's answer names none."""
    wanted = spec.properties
    if wanted is None:
        return {}
    names = list(wanted.names)
    if wanted.request is not None:
        asked = ground.draft(wanted.request, values, spec.name)
        response = await ground.asker.ask(asked.finish())
        records = cut_values(response.body, wanted.records)
        if records is None or not all(one.startswith(b"{") for one in records):
            raise SourceError(
                f"The platform does not name the fields of {spec.name}.", subject=spec.name
            )
        found = [one for one in fields_of(records, wanted.name) if isinstance(one, str)]
        names += [wanted.prefix + one for one in found]
    names = list(dict.fromkeys(names))
    as_list = spec.request.body is not None and not spec.request.form
    return {wanted.param: names if as_list else wanted.joined.join(names)} if names else {}
