"""Light or dark: as the system has it, unless somebody chose. A cookie remembers, so that pages come in it at once."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

COOKIE = "theme"
THEMES = {"system": "Like the system", "light": "Light", "dark": "Dark"}
_YEAR_IN_SECONDS = 365 * 24 * 3600


def theme(request: HttpRequest) -> dict[str, Any]:
    """For every page: the theme in use, its schemes as CSS has them, and the one that the switch goes to."""
    return _context(request.COOKIES.get(COOKIE, ""))


def _context(chosen: str) -> dict[str, Any]:
    names = list(THEMES)
    if chosen not in names:
        chosen = names[0]
    following = names[(names.index(chosen) + 1) % len(names)]
    return {
        "theme": chosen,
        "themes": THEMES,
        "theme_title": THEMES[chosen],
        "theme_next": following,
        "theme_next_title": THEMES[following],
        "colour_schemes": "light dark" if chosen == "system" else chosen,
    }


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Remember the theme in this browser. A script changes the page where it is; without one it is loaded again."""
    chosen = request.POST.get("theme", "")
    if chosen not in THEMES:
        raise Http404("There is no such theme.")
    if request.htmx:  # type: ignore[attr-defined]
        response = render(request, "console/theme.html", _context(chosen))
        trigger_client_event(response, "theme", {"name": chosen}, after="settle")
    else:
        response = redirect(_back(request))
    response.set_cookie(
        COOKIE,
        chosen,
        max_age=_YEAR_IN_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=bool(settings.SESSION_COOKIE_SECURE),
    )
    return response


def _back(request: HttpRequest) -> str:
    """The page that the form stood on; home where that is not one of ours."""
    page = request.POST.get("next", "")
    return page if url_has_allowed_host_and_scheme(page, {request.get_host()}) else reverse("home")
