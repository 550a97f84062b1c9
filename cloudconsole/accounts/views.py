"""Console pages of an account: members, management keys, and which account one looks at."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cloudconsole.accounts.forms import MemberForm, RoleForm
from cloudconsole.accounts.members import add_member, change_role, remove_member
from cloudconsole.accounts.permissions import DESCRIPTIONS, Role
from cloudconsole.accounts.queries import management_keys_of, member_of, members_of
from cloudconsole.accounts.services import Actor, create_management_key, revoke_management_key
from cloudconsole.errors import ServiceError
from cloudconsole.web.access import CHOSEN_ACCOUNT, AccountRequest, account_page


@require_safe
@account_page("read:users")
def members(request: AccountRequest) -> HttpResponse:
    return _render_members(request)


def _render_members(request: AccountRequest, *, member_form: MemberForm | None = None) -> HttpResponse:
    context = {
        "people": list(members_of(request.account)),
        "roles": [(role, DESCRIPTIONS[role]) for role in Role],
        "given_roles": [Role.ADMIN, Role.BASE],
        "member_form": member_form or MemberForm(initial={"role": Role.ADMIN}),
    }
    return render(request, "accounts/members.html", context, status=422 if member_form else 200)


@require_POST
@account_page("read:users", "write:invites")
def add(request: AccountRequest) -> HttpResponse:
    form = MemberForm(request.POST)
    if form.is_valid():
        try:
            membership = add_member(
                account=request.account,
                email=form.cleaned_data["email"],
                role=Role(form.cleaned_data["role"]),
                requested_by=Actor.of_user(request.user),
            )
        except ServiceError as error:
            form.add_error(error.field, error.sentence)
        else:
            messages.success(request, f"{membership.user.email} is a member now.")
            return redirect("accounts:members")
    return _render_members(request, member_form=form)


@require_POST
@account_page("read:users", "write:roles")
def role(request: AccountRequest, user_id: UUID) -> HttpResponse:
    """Admin or Base; the role of owner has a page of its own, because it takes the role from somebody."""
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Http404("There is no such role.")
    return _changed(request, user_id, Role(form.cleaned_data["role"]))


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:users", "write:account")
def owner(request: AccountRequest, user_id: UUID) -> HttpResponse:
    """GET asks whether the account shall have this owner, POST makes it so."""
    if request.method == "POST":
        return _changed(request, user_id, Role.OWNER)
    return render(request, "accounts/owner.html", {"membership": member_of(request.account, user_id)})


def _changed(request: AccountRequest, user_id: UUID, wanted: Role) -> HttpResponse:
    try:
        membership = change_role(
            account=request.account, user_id=user_id, role=wanted, requested_by=Actor.of_user(request.user)
        )
    except ServiceError as error:
        return _refused(request, error)
    messages.success(request, f"{membership.user.email} has the role {wanted.label} now.")
    return redirect("accounts:members")


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:users", "delete:users")
def remove(request: AccountRequest, user_id: UUID) -> HttpResponse:
    """GET asks whether the member shall go, POST takes them out."""
    membership = member_of(request.account, user_id)
    if request.method != "POST":
        return render(request, "accounts/remove.html", {"membership": membership})
    try:
        remove_member(account=request.account, user_id=user_id, requested_by=Actor.of_user(request.user))
    except ServiceError as error:
        return _refused(request, error)
    messages.success(request, f"{membership.user.email} is no longer a member.")
    return redirect("home" if membership.user_id == request.user.pk else "accounts:members")


def _refused(request: AccountRequest, error: ServiceError) -> HttpResponse:
    messages.error(request, error.sentence)
    return redirect("accounts:members")


@require_safe
@account_page("read:management_keys")
def keys(request: AccountRequest) -> HttpResponse:
    return _render_keys(request)


def _render_keys(request: AccountRequest, **shown_once: Any) -> HttpResponse:
    context = {"keys": list(management_keys_of(request.account)), **shown_once}
    return render(request, "accounts/keys.html", context)


@require_POST
@account_page("read:management_keys", "write:management_keys")
def create_key(request: AccountRequest) -> HttpResponse:
    """The answer itself shows the secret: it is kept nowhere, so there is nothing to redirect to."""
    _, secret = create_management_key(account=request.account, requested_by=Actor.of_user(request.user))
    return _render_keys(request, secret=secret)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:management_keys", "delete:management_keys")
def revoke_key(request: AccountRequest, key_id: UUID) -> HttpResponse:
    """GET asks whether the key shall end, POST ends it."""
    if request.method != "POST":
        key = management_keys_of(request.account).filter(pk=key_id).first()
        if key is None:
            raise Http404("There is no such key.")
        return render(request, "accounts/revoke.html", {"key": key})
    revoke_management_key(account=request.account, key_id=key_id, requested_by=Actor.of_user(request.user))
    messages.success(request, "The key is revoked: whoever uses it is refused from now on.")
    return redirect("accounts:keys")


@require_POST
@account_page("read:profile")
def choose(request: AccountRequest) -> HttpResponse:
    """Look at another account that one belongs to."""
    wanted = request.POST.get("account", "")
    if wanted not in {str(membership.account_id) for membership in request.memberships}:
        raise Http404("There is no such account.")
    request.session[CHOSEN_ACCOUNT] = wanted
    return redirect("home")
