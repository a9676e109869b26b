"""How Keap says no: one exception for what a request does wrong, and its body."""

import msgspec

from listbackup.connectors.rest.transport import Response

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "BAD_GATEWAY",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
JSON = {"content-type": "application/json;charset=UTF-8"}


class RefusedError(Exception):
    """A request that is not answered as it wishes: HTTP status, and why in words."""

    def __init__(self, status: int, message: str, resource: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.resource = resource

    def respond(self) -> Response:
        """Say it as Keap does."""
        return refuse(self.status, str(self), self.resource)


def refuse(status: int, message: str, resource: str = "") -> Response:
    """Make an error response: `code`, `message`, `status`, `details`."""
    details = [{"domain": "listbackup.sandbox", "resource": resource}] if resource else []
    body = {
        "code": status,
        "message": message,
        "status": _STATUSES.get(status, "UNKNOWN"),
        "details": details,
    }
    return Response(status, dict(JSON), msgspec.json.encode(body))


def give(body: object, status: int = 200) -> Response:
    """Make a JSON response."""
    return Response(status, dict(JSON), msgspec.json.encode(body))


def give_nothing() -> Response:
    """Make a response without a body."""
    return Response(204, {}, b"")
