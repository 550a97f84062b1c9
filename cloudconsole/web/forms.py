"""The sign-in form."""

from django import forms
from django.contrib.auth.forms import AuthenticationForm


class SignInForm(AuthenticationForm):
    """Email and password. The same sentence for an unknown email and a wrong password."""

    username = forms.EmailField(
        label="Email",
        widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"}),
    )
    error_messages = {
        "invalid_login": "Email and password do not match. Check both; capital letters matter.",
        "inactive": "This user has been switched off. Ask the owner of your account.",
    }
