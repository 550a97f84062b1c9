"""Who calls over REST: management keys, and people who are signed in to the console."""

from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from cloudconsole.api.callers import Identity, identity_with_key


class ManagementKeyAuthentication(BaseAuthentication):
    """``Authorization: apikey <management key>``; ``request.user`` becomes the Identity."""

    def authenticate(self, request: Request) -> tuple[Identity, None] | None:
        authorization = request.headers.get("Authorization")
        return (identity_with_key(authorization), None) if authorization is not None else None


class PersonAuthentication(SessionAuthentication):
    """The console's session, with its protection against forged requests; ``request.user`` becomes the Identity."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        found = super().authenticate(request)
        return (Identity.of_user(found[0]), None) if found else None
