"""Pages of a list by keyset: a page goes on after the last row of the one before, however many rows came or went."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from cloudconsole.errors import Code, ServiceError

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    items: list[Row]
    total_size: int | None  # rows on all pages; counted only when a page size was asked for
    next_page_token: str | None  # None on the last page


def page_of(rows: QuerySet[Row], *, page_size: int | None, page_token: str | None) -> Page[Row]:
    """One page of rows that have ``created_at`` and ``id``, newest first; all of them without a page size.

    Raises ServiceError INVALID_ARGUMENT for a token that no answer contained.
    """
    total = rows.count() if page_size is not None else None
    rows = rows.order_by("-created_at", "id")
    if page_token is not None:
        created_at, row_id = _decode(page_token)
        rows = rows.filter(Q(created_at__lt=created_at) | Q(created_at=created_at, id__gt=row_id))
    if page_size is None:
        return Page(list(rows), total, None)
    found = list(rows[: page_size + 1])
    items = found[:page_size]
    return Page(items, total, _encode(items[-1]) if len(found) > page_size else None)


def _encode(row: Any) -> str:
    return base64.b64encode(json.dumps([row.created_at.isoformat(), str(row.id)]).encode()).decode()


def _decode(token: str) -> tuple[datetime, UUID]:
    try:
        created_at, row_id = json.loads(base64.b64decode(token, validate=True))
        moment = datetime.fromisoformat(created_at)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment, UUID(row_id)
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError):
        raise ServiceError(
            Code.INVALID_ARGUMENT, "This page token is not valid. Use the next_page_token of an answer, or none."
        ) from None
