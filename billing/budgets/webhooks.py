"""Webhooks: signed as Standard Webhooks says (https://www.standardwebhooks.com), to public addresses only."""

import asyncio
import base64
import hashlib
import hmac
import socket
import ssl
from datetime import datetime
from typing import Any

import aiohttp
from django.conf import settings

from cloudconsole.jobs import CannotBeDone
from inference.fetcher.addresses import AddressRefused, checked_url, is_public

_SECONDS = 15
_NOT_PUBLIC = "Webhooks go to https addresses of the public internet only; this one is not."


class NotDelivered(Exception):
    """The receiver did not take it this time; the text says why."""


def check_webhook_url(url: str) -> str | None:
    """Why a webhook cannot be there, as a sentence; None if it can, as far as the text tells."""
    try:
        checked_url(url, allow_http=settings.BUDGET_WEBHOOKS_INTERNAL)
    except AddressRefused:
        return _NOT_PUBLIC
    return None


def webhook_secret(account_id: object) -> str:
    """What an account's webhooks are signed with, in the form that libraries take. Derived, so it is kept nowhere."""
    key = hmac.new(settings.SECRET_KEY.encode(), f"budget webhooks of {account_id}".encode(), hashlib.sha256)
    return "whsec_" + base64.b64encode(key.digest()).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,<base64 of HMAC-SHA256>`` over id, time and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def post_webhook(*, url: str, secret: str, message_id: str, body: bytes, now: datetime) -> None:
    """Send once. Receivers tell repetitions by the id. Raises NotDelivered, CannotBeDone."""
    timestamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "cloudconsole",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
    try:
        status = asyncio.run(_post(url, body, headers))
    except AddressRefused:
        raise CannotBeDone(_NOT_PUBLIC) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
        raise NotDelivered(str(error) or "no answer in time") from error
    if status == 410:
        raise CannotBeDone("The receiver answered 410: it wants no more of these.")
    if not 200 <= status < 300:
        raise NotDelivered(f"the receiver answered {status}")


async def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    internal = settings.BUDGET_WEBHOOKS_INTERNAL
    target = checked_url(url, allow_http=internal)

    def checked_socket(where: Any) -> socket.socket:
        """Whatever a name stands for by now, nothing else is connected to."""
        family, kind, protocol, _, address = where
        if not (internal or is_public(address[0])):
            raise AddressRefused
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        use_dns_cache=False, force_close=True, ssl=ssl.create_default_context(), socket_factory=checked_socket
    )
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        # A redirect is an answer like another: where it leads is for the owner to enter.
        session.post(target, data=body, headers=headers, allow_redirects=False) as response,
    ):
        return response.status
