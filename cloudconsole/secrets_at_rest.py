"""Secrets that are shown once: how they are made and what is kept of them."""

import hmac
import secrets

from django.conf import settings

PREFIX_LENGTH = 10
POSTFIX_LENGTH = 6


def new_secret(kind: str) -> str:
    """A fresh secret with 256 random bits, for example ``ccm_…`` for kind ``ccm``."""
    return f"{kind}_{secrets.token_urlsafe(32)}"


def hash_secret(secret: str) -> str:
    """Keyed hash (hex) under which a secret is stored and looked up; useless without the secret key."""
    return hmac.digest(settings.SECRET_KEY.encode(), secret.encode("utf-8", "surrogatepass"), "sha256").hex()


def derive_secret(purpose: str, subject: str) -> str:
    """A secret (hex, 256 bits) that need not be kept: always the same for a purpose and a subject, and for no other."""
    message = f"{purpose}\0{subject}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), message, "sha256").hex()
