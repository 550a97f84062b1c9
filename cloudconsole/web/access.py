"""Who looks at a page and what they may change: every page of an account goes through ``account_page``."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from cloudconsole.accounts.models import Account, Membership, User
from cloudconsole.errors import Code, ServiceError

READ_ONLY_SENTENCE = (
    "Your role in this account is member: you can look at everything and change nothing. "
    "Ask an owner or admin of the account."
)
NO_ACCOUNT_SENTENCE = "You do not belong to an account yet. Ask its owner to add you."
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class AccountRequest(HttpRequest):
    """A request of a signed-in user, as views under ``account_page`` get it."""

    user: User
    htmx: HtmxDetails
    membership: Membership

    @property
    def account(self) -> Account:
        return self.membership.account


def may_change(membership: Membership) -> bool:
    """Whether a member of an account may change anything in it. The only place that knows."""
    return membership.role in {Membership.Role.OWNER, Membership.Role.ADMIN}


def account_page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view of the user's account: signs in first, refuses changes to those who may only look.

    Puts ``membership`` on the request. A ServiceError NOT_FOUND becomes the 404 page; answers are never cached,
    because one address serves page and fragment and a page may show a secret.
    """

    @wraps(view)
    def page(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        membership = Membership.objects.select_related("account").filter(user=request.user).order_by("pk").first()
        if membership is None:
            raise PermissionDenied(NO_ACCOUNT_SENTENCE)
        request.membership, request.account = membership, membership.account
        if request.method not in _SAFE_METHODS and not may_change(membership):
            raise PermissionDenied(READ_ONLY_SENTENCE)
        try:
            response = view(request, *args, **kwargs)
        except ServiceError as error:
            if error.code == Code.NOT_FOUND:
                raise Http404(error.sentence) from None
            raise
        add_never_cache_headers(response)
        patch_vary_headers(response, ["HX-Request"])
        return response

    return page


def _to_sign_in(request: Any) -> HttpResponseBase:
    """The sign-in page; a fragment's request makes the browser go there and come back to the page around it."""
    if request.htmx:
        around = request.htmx.current_url_abs_path or reverse("home")
        return HttpResponseClientRedirect(redirect_to_login(around).url)
    return redirect_to_login(request.get_full_path())
