"""Who looks at a page and what they may change: every page of an account goes through ``account_page``."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from cloudconsole.accounts.models import Account, Membership, User
from cloudconsole.accounts.permissions import permission_refusal
from cloudconsole.accounts.queries import effective_permissions
from cloudconsole.errors import Code, ServiceError

NO_ACCOUNT_SENTENCE = "You do not belong to an account yet. Ask its owner to add you."
CHOSEN_ACCOUNT = "account"  # in the session: the account that somebody with several looks at
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
View = Callable[..., HttpResponseBase]


class AccountRequest(HttpRequest):
    """A request of a signed-in user, as views under ``account_page`` get it."""

    user: User
    htmx: HtmxDetails
    membership: Membership
    memberships: list[Membership]  # in all accounts of the user
    permissions: frozenset[str]
    read_only: str | None  # why nothing on the page can be changed

    @property
    def account(self) -> Account:
        return self.membership.account


def account_page(look: str, change: str | None = None) -> Callable[[View], View]:
    """A view of the user's account: signs in first, refuses those who lack a permission, with the API's sentence.

    ``look`` is the permission to see the page, ``change`` the one that unsafe methods need (``look`` if there are
    none). Puts ``membership`` and ``permissions`` on the request. A ServiceError NOT_FOUND becomes the 404 page, for a
    fragment by loading the page around it anew. Answers are never cached, because one address serves page and fragment
    and a page may show a secret.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def page(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            request.membership = membership = _membership(request)
            request.account = membership.account
            request.permissions = effective_permissions(caller=membership, account=membership.account)
            request.read_only = permission_refusal([change or look], request.permissions)
            needed = look if request.method in _SAFE_METHODS else change or look
            if refusal := permission_refusal([needed], request.permissions):
                raise PermissionDenied(refusal)
            try:
                response = view(request, *args, **kwargs)
            except ServiceError as error:
                if error.code != Code.NOT_FOUND:
                    raise
                if not request.htmx:
                    raise Http404(error.sentence) from None
                response = HttpResponseClientRefresh()  # the page itself says what is not there any more
            add_never_cache_headers(response)
            patch_vary_headers(response, ["HX-Request"])
            return response

        return page

    return decorate


def _membership(request: Any) -> Membership:
    membership = membership_of(request)
    if membership is None:
        raise PermissionDenied(NO_ACCOUNT_SENTENCE)
    return membership


def membership_of(request: Any) -> Membership | None:
    """The user's membership in the account they chose, else in the one they joined first; None without any.

    Puts all of them on the request as ``memberships``.
    """
    memberships = Membership.objects.select_related("account").filter(user=request.user).order_by("pk")
    chosen = request.session.get(CHOSEN_ACCOUNT)
    by_account = {str(membership.account_id): membership for membership in memberships}
    request.memberships = list(by_account.values())
    return by_account.get(chosen, next(iter(request.memberships), None))


def _to_sign_in(request: Any) -> HttpResponseBase:
    """The sign-in page; a fragment's request makes the browser go there and come back to the page around it."""
    if request.htmx:
        around = request.htmx.current_url_abs_path or reverse("home")
        return HttpResponseClientRedirect(redirect_to_login(around).url)
    return redirect_to_login(request.get_full_path())
