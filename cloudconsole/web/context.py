"""What every page knows without its view saying so."""

from typing import Any

from django.http import HttpRequest

from cloudconsole.web.access import membership_of


def account(request: HttpRequest) -> dict[str, Any]:
    """The account at the top of the page and why its viewer may not change what is on it (None: they may).

    Pages that belong to no account, such as the one that says that nothing is there, have it at their top, too.
    """
    membership = getattr(request, "membership", None)
    if membership is None and getattr(request, "user", None) and request.user.is_authenticated:
        membership = membership_of(request)
    if membership is None:
        return {}
    return {
        "account": membership.account,
        "memberships": getattr(request, "memberships", []),
        "read_only": getattr(request, "read_only", None),
    }
