"""Signing in and out."""

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpResponse

from cloudconsole.web.forms import SignInForm


class SignIn(LoginView):
    template_name = "console/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: SignInForm) -> HttpResponse:  # type: ignore[override]
        return self.render_to_response(self.get_context_data(form=form), status=422)


class SignOut(LogoutView):
    """By POST only, so that no link can sign somebody out."""
