"""What every page knows without its view saying so."""

from typing import Any

from django.http import HttpRequest

from cloudconsole.web.access import READ_ONLY_SENTENCE, may_change


def account(request: HttpRequest) -> dict[str, Any]:
    """The account at the top of the page and why its viewer may not change it (None: they may)."""
    membership = getattr(request, "membership", None)
    if membership is None:
        return {}
    return {
        "account": membership.account,
        "read_only": None if may_change(membership) else READ_ONLY_SENTENCE,
    }
