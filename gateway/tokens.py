"""Tokens that their holder signed with a cluster's own secret: read as a Qdrant server reads its own."""

import math
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt

from clusters.database_keys import ALGORITHM, SUBJECT_PREFIX, signing_secret
from clusters.rules.access import Access, access_of_claim
from gateway.errors import Refused

LEEWAY_SECONDS = 30  # what Qdrant allows for clocks that differ
EXPIRED = "ExpiredSignature"
_LONGEST_TOKEN = 16 * 1024


@dataclass(frozen=True)
class ValueExists:
    """A token holds as long as ``collection`` has a point whose payload has these values (JSON path to value)."""

    collection: str
    matches: tuple[tuple[str, Any], ...]

    @property
    def filter(self) -> dict[str, Any]:
        return {"must": [{"key": key, "match": {"value": value}} for key, value in self.matches]}


@dataclass(frozen=True)
class Token:
    """``subject`` tells one holder from another; tokens without one share the empty subject."""

    cluster_id: UUID
    access: Access
    subject: str
    value_exists: ValueExists | None


def read_token(text: str, named_cluster: UUID | None) -> Token | None:
    """The token of a cluster: the one its header's ``kid`` names, else ``named_cluster`` (the host's).

    None for what is no token, or one of a made key: those are known by their hash or not at all. Raises Refused in
    Qdrant's words: 403 when signature or expiry is wrong, 401 when its claims mean nothing. Knows nothing of which
    clusters there are, so it cannot tell.
    """
    cluster_id = _cluster_of(text) or named_cluster
    if cluster_id is None or len(text) > _LONGEST_TOKEN:
        return None
    try:
        claims = jwt.decode(
            text,
            signing_secret(cluster_id),
            [ALGORITHM],
            options={
                "verify_exp": False,
                "verify_aud": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_sub": False,
                "verify_jti": False,
                "verify_iss": False,
            },
        )
    except jwt.InvalidSignatureError:
        raise Refused(403, "InvalidSignature") from None
    except jwt.InvalidTokenError:
        return None
    return _token(cluster_id, claims)


def _token(cluster_id: UUID, claims: dict[str, Any]) -> Token | None:
    subject = str(claims.get("subject") or claims.get("sub") or "")
    if subject.startswith(SUBJECT_PREFIX):
        return None
    expires_at = claims.get("exp")
    if expires_at is not None:
        if not isinstance(expires_at, int | float) or not math.isfinite(expires_at):
            return None
        if expires_at + LEEWAY_SECONDS < time.time():
            raise Refused(403, EXPIRED)
    try:
        return Token(cluster_id, access_of_claim(claims.get("access")), subject, _value_exists(claims))
    except ValueError as error:
        raise Refused(401, str(error)) from None


def _cluster_of(text: str) -> UUID | None:
    try:
        return UUID(jwt.get_unverified_header(text)["kid"])
    except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, AttributeError):
        return None


def _value_exists(claims: dict[str, Any]) -> ValueExists | None:
    claim = claims.get("value_exists")
    if claim is None:
        return None
    try:
        matches = tuple((str(pair["key"]), pair["value"]) for pair in claim["matches"])
        collection = claim["collection"]
    except (KeyError, TypeError):
        raise ValueError("value_exists: needs a collection, and matches of key and value") from None
    if not isinstance(collection, str) or not all(isinstance(value, str | int | bool) for _, value in matches):
        raise ValueError("value_exists: values are words, integers or truth values")
    return ValueExists(collection, matches)
