"""What every page knows without its view saying so."""

from typing import Any

from django.http import HttpRequest


def account(request: HttpRequest) -> dict[str, Any]:
    """The account at the top of the page and why its viewer may not change what is on it (None: they may)."""
    membership = getattr(request, "membership", None)
    if membership is None:
        return {}
    return {
        "account": membership.account,
        "memberships": getattr(request, "memberships", []),
        "read_only": getattr(request, "read_only", None),
    }
