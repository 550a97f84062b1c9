"""Whether somebody has signed in, asked before Django has read a request's body."""

from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import connection


async def has_signed_in(scope: dict[str, Any]) -> bool:
    """Whether the request of this ASGI scope comes with the session of a user."""
    headers = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    try:
        cookie = SimpleCookie(headers.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return False
    return cookie is not None and await sync_to_async(_names_a_user)(cookie.value)


def _names_a_user(session_key: str) -> bool:
    try:
        session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
        return SESSION_KEY in session
    finally:
        connection.close()  # outside of a request nobody else does
