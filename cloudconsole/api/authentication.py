"""Management keys for REST framework."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from cloudconsole.api.callers import Caller, caller_with_key


class ManagementKeyAuthentication(BaseAuthentication):
    """``Authorization: apikey <management key>``; ``request.user`` becomes the Caller. There is no anonymous access."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        return caller_with_key(request.headers.get("Authorization")), None
