"""Sign-in and sign-out."""

from django.urls import path

from cloudconsole.web.views import SignIn, SignOut

urlpatterns = [
    path("sign-in", SignIn.as_view(), name="sign-in"),
    path("sign-out", SignOut.as_view(), name="sign-out"),
]
