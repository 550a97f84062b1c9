"""The Settings page: one's own sign-in and accounts, how the console looks, and the account's name."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cloudconsole.accounts.forms import NameForm
from cloudconsole.accounts.members import remove_member
from cloudconsole.accounts.permissions import DESCRIPTIONS, Role
from cloudconsole.accounts.profile import change_password
from cloudconsole.accounts.services import Actor, rename_account
from cloudconsole.errors import ServiceError
from cloudconsole.web.access import AccountRequest, account_page


@require_safe
@account_page("read:profile")
def settings(request: AccountRequest) -> HttpResponse:
    return _page(request)


def _page(request: AccountRequest, **refused: Any) -> HttpResponse:
    """The whole page, with the form that was refused, if any, as it was sent."""
    context = {
        "rights": [(membership, DESCRIPTIONS[Role(membership.role)]) for membership in request.memberships],
        "password_form": password_form(request),
        "name_form": NameForm(initial={"name": request.account.name}),
    }
    return render(request, "accounts/settings.html", context | refused, status=422 if refused else 200)


def password_form(request: AccountRequest, data: Any = None) -> PasswordChangeForm:
    form = PasswordChangeForm(request.user, data)
    form.fields["old_password"].label = "Current password"
    form.fields["old_password"].widget.attrs.pop("autofocus", None)
    form.fields["new_password1"].help_text = "At least 8 characters, and none that everybody guesses."
    form.fields["new_password2"].label = "New password, again"
    form.fields["new_password2"].help_text = ""
    form.error_messages = form.error_messages | {
        "password_incorrect": "This is not your current password. Nothing was changed.",
        "password_mismatch": "The two new passwords differ. Type the same one twice.",
    }
    return form


@require_POST
@account_page("read:profile")
def password(request: AccountRequest) -> HttpResponse:
    """Sessions know the password they began with: all but this one end."""
    form = password_form(request, request.POST)
    if not form.is_valid():
        return _page(request, password_form=form)
    change_password(user=request.user, password=form.cleaned_data["new_password1"])
    update_session_auth_hash(request, request.user)
    messages.success(request, "You have a new password. Wherever else you were signed in, you are signed out.")
    return redirect("accounts:settings")


@require_POST
@account_page("read:profile", "write:account")
def rename(request: AccountRequest) -> HttpResponse:
    form = NameForm(request.POST)
    if form.is_valid():
        try:
            rename_account(
                account=request.account, name=form.cleaned_data["name"], requested_by=Actor.of_user(request.user)
            )
        except ServiceError as error:
            form.add_error("name", error.sentence)
        else:
            messages.success(request, "The account has a new name.")
            return redirect("accounts:settings")
    return _page(request, name_form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:profile")
def leave(request: AccountRequest, account_id: UUID) -> HttpResponse:
    """GET asks whether one means it, POST takes oneself out of the account."""
    membership = next((one for one in request.memberships if one.account_id == account_id), None)
    if membership is None:
        raise Http404("You do not belong to this account.")
    if request.method != "POST":
        return render(request, "accounts/leave.html", {"leaving": membership})
    try:
        remove_member(account=membership.account, user_id=request.user.pk, requested_by=Actor.of_user(request.user))
    except ServiceError as error:
        messages.error(request, error.sentence)
        return redirect("accounts:settings")
    messages.success(request, f"You are no longer a member of {membership.account.name}.")
    return redirect("accounts:settings")
