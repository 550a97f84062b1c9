"""Forms about an account. They check shapes; what is allowed is for the services to say."""

from typing import Any

from django import forms

from cloudconsole.accounts.audit_log import AuditFilter
from cloudconsole.accounts.permissions import Role

_GIVEN_ROLES = [(role.value, role.label) for role in (Role.ADMIN, Role.BASE)]


class MemberForm(forms.Form):
    """Somebody to let into the account."""

    email = forms.EmailField(
        label="Email",
        error_messages={"required": "Say whose email address it is."},
        help_text="Of somebody who signs in here already.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(choices=_GIVEN_ROLES)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=_GIVEN_ROLES)


class NameForm(forms.Form):
    name = forms.CharField(
        label="Name", help_text="4 to 256 characters.", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class AuditForm(forms.Form):
    """Which events of the audit log to show; nothing chosen means all."""

    actor = forms.CharField(label="Who", required=False, max_length=254)
    action = forms.ChoiceField(label="Did what", required=False)
    resource_type = forms.ChoiceField(label="To what", required=False)
    first_day = forms.DateField(label="From (UTC)", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(label="To (UTC)", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Any, *, actions: list[str], resource_types: list[str]) -> None:
        super().__init__(data)
        for field, values in (("action", actions), ("resource_type", resource_types)):
            self.fields[field].choices = [("", "Anything"), *((one, one) for one in values)]  # type: ignore[attr-defined]

    @property
    def wanted(self) -> AuditFilter:
        """The filter; what is no choice is left out."""
        self.full_clean()
        return AuditFilter(**{name: value for name, value in self.cleaned_data.items() if value})
