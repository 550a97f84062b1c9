"""Sign-in, sign-out and the theme."""

from django.urls import path

from cloudconsole.web.theme import choose_theme
from cloudconsole.web.views import SignIn, SignOut

urlpatterns = [
    path("sign-in", SignIn.as_view(), name="sign-in"),
    path("sign-out", SignOut.as_view(), name="sign-out"),
    path("theme", choose_theme, name="theme"),
]
