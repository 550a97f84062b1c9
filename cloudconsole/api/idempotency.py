"""A request that is sent twice with the same ``Idempotency-Key`` happens once and is answered twice alike."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta

from cryptography.fernet import Fernet
from django.db import transaction
from django.utils import timezone

from cloudconsole.accounts.models import Account
from cloudconsole.api.models import IdempotentAnswer
from cloudconsole.errors import Code, ServiceError
from cloudconsole.secrets_at_rest import derive_secret, hash_secret

LIFETIME = timedelta(hours=24)
LONGEST_KEY = 255


@transaction.atomic
def answered_once(*, account: Account, key: str, method: str, request: bytes, answer: Callable[[], bytes]) -> bytes:
    """The answer kept under the account's key, or else ``answer()``, which is kept in one transaction with its work.

    A second request that comes while the first is at work waits for it. A request that fails keeps nothing.
    Raises ServiceError ALREADY_EXISTS when the key was used for another method or request, INVALID_ARGUMENT for a
    key that is too long, and what ``answer()`` raises.
    """
    if len(key) > LONGEST_KEY:
        raise ServiceError(Code.INVALID_ARGUMENT, f"An Idempotency-Key has at most {LONGEST_KEY} characters.")
    request_hash = hashlib.sha256(method.encode() + b"\0" + request).hexdigest()
    IdempotentAnswer.objects.filter(
        account=account, key_hash=hash_secret(key), created_at__lt=timezone.now() - LIFETIME
    ).delete()
    kept, is_new = IdempotentAnswer.objects.get_or_create(
        account=account, key_hash=hash_secret(key), defaults={"request_hash": request_hash}
    )
    if not is_new:
        if kept.request_hash != request_hash:
            raise ServiceError(
                Code.ALREADY_EXISTS, "This Idempotency-Key was used for another request. Choose a new one."
            )
        return _seal(account, key).decrypt(bytes(kept.sealed_answer))
    given = answer()
    kept.sealed_answer = _seal(account, key).encrypt(given)
    kept.save(update_fields=["sealed_answer"])
    return given


def forget_old_answers() -> int:
    """Delete answers past their lifetime; returns how many."""
    return IdempotentAnswer.objects.filter(created_at__lt=timezone.now() - LIFETIME).delete()[0]


def _seal(account: Account, key: str) -> Fernet:
    secret = derive_secret("idempotent answer", f"{account.pk}/{key}")
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()))
