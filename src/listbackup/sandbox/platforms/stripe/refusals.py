"""Stripe's errors: one object with type, message, code and parameter.

Raised anywhere below a request, turned into a response by the application.
"""

from typing import Any


class Refusal(Exception):
    """A request that Stripe refuses; `kind` is the error's type."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param

    def describe(self) -> dict[str, Any]:
        """Give the body."""
        error: dict[str, Any] = {}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        error["message"] = self.message
        if self.param:
            error["param"] = self.param
        error["type"] = self.kind
        return {"error": error}


def missing(kind: str, id: str, param: str, status: int = 404) -> Refusal:
    """Refuse what there is not: 404 for the object itself, 400 for one that a parameter names."""
    name = kind.rpartition(".")[2].replace("_", " ")
    return Refusal(status, f"No such {name}: '{id[:80]}'", code="resource_missing", param=param)


def unknown_parameter(name: str) -> Refusal:
    """Refuse a parameter that the operation does not have."""
    return Refusal(
        400, f"Received unknown parameter: {name[:80]}", code="parameter_unknown", param=name
    )


def invalid(message: str, param: str, code: str | None = None) -> Refusal:
    """Refuse a value."""
    return Refusal(400, message, code=code, param=param)


def absent(name: str) -> Refusal:
    """Refuse a request without a parameter that it needs."""
    return Refusal(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
