"""All operations of Keap's REST v2 that the sandbox answers, and with what."""

from collections.abc import Iterator

from listbackup.connectors.rest.transport import Response
from listbackup.sandbox.platforms.keap.actions_account import ACTIONS as ACCOUNT
from listbackup.sandbox.platforms.keap.actions_account import UNSERVED
from listbackup.sandbox.platforms.keap.actions_people import ACTIONS as PEOPLE
from listbackup.sandbox.platforms.keap.actions_sales import ACTIONS as SALES
from listbackup.sandbox.platforms.keap.errors import RefusedError
from listbackup.sandbox.platforms.keap.listings import LISTINGS
from listbackup.sandbox.platforms.keap.reading import make_getter, make_lister
from listbackup.sandbox.platforms.keap.resources import RESOURCES, Resource
from listbackup.sandbox.platforms.keap.visits import Handler, Visit
from listbackup.sandbox.platforms.keap.writing import make_creator, make_deleter, make_updater

PREFIX = "/crm/rest/v2"


def make_routes() -> list[tuple[str, str, Handler]]:
    """Give method, path and handler of every operation."""
    lists = [("GET", listing.path, make_lister(listing)) for listing in LISTINGS]
    kinds = [route for resource in RESOURCES for route in _resource(resource)]
    found = [*lists, *kinds, *PEOPLE, *SALES, *ACCOUNT]
    for operation in sorted(UNSERVED):
        method, path = operation.split(" ")
        found.append((method, path, _refuse))
    return [(method, f"{PREFIX}{path}", handler) for method, path, handler in found]


def _resource(resource: Resource) -> Iterator[tuple[str, str, Handler]]:
    one = f"{resource.path}/{{{resource.part}}}"
    for verb in resource.verbs:
        match verb:
            case "C":
                yield "POST", resource.path, make_creator(resource)
            case "R":
                yield "GET", one, make_getter(resource.table, resource.part, resource.view)
            case "U":
                yield "PATCH", one, make_updater(resource)
            case "D":
                yield "DELETE", one, make_deleter(resource)


def _refuse(visit: Visit) -> Response:
    raise RefusedError(501, "Method Not Implemented")
