"""What an account gets in a month: free tokens, and the discounts that are valid in it. Kept with a statement."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from billing.rating import UNLIMITED, DiscountTerms, Terms
from billing.rules import Month
from cloudconsole.accounts.models import Account
from clusters.models import Package
from inference.catalogue import CATALOGUE

# Whether a paid cluster was there at some time in the month (rows of deleted ones stay), and each discount; one row
# without any. Every page with costs asks.
_GIVEN = """
SELECT paid.there, discount.id, discount.name, valid_from, valid_until, percentage, fixed_millicents
FROM (SELECT EXISTS (
    SELECT 1 FROM clusters_cluster AS cluster JOIN clusters_package AS package ON package.id = cluster.package_id
    WHERE account_id = %(account)s AND type = %(paid)s AND created_at < %(end)s
        AND (deleted_at IS NULL OR deleted_at >= %(start)s)
) AS there) AS paid
LEFT JOIN billing_discount AS discount ON account_id = %(account)s AND valid_from < %(end)s AND valid_until > %(start)s
ORDER BY valid_from, discount.id
"""


def terms_of(*, account: Account, month: Month) -> Terms:
    """The allowances as configured (for accounts with a paid cluster, as Qdrant Cloud launched them), and discounts."""
    parameters: dict[str, Any] = {
        "account": account.pk,
        "paid": Package.Type.PAID,
        "start": month.start,
        "end": month.end,
    }
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN, parameters)
        rows = cursor.fetchall()
    discounts = tuple(DiscountTerms(*discount) for _, there, *discount in rows if there)
    if not rows[0][0]:
        return Terms(discounts=discounts)
    free = {}
    for spec in CATALOGUE.values():
        if spec.name in settings.BILLING_FREE_MODELS:
            free[spec.id] = UNLIMITED
        elif spec.modality == "image":
            free[spec.id] = settings.BILLING_FREE_IMAGE_TOKENS
    return Terms(free=free, free_by_default=settings.BILLING_FREE_TEXT_TOKENS, discounts=discounts)


def terms_as_json(terms: Terms) -> dict[str, Any]:
    return {
        "free": {str(model): tokens for model, tokens in terms.free.items()},
        "free_by_default": terms.free_by_default,
        "discounts": [
            {
                "name": one.name,
                "valid_from": one.valid_from.isoformat(),
                "valid_until": one.valid_until.isoformat(),
                "percentage": None if one.percentage is None else str(one.percentage),
                "fixed_millicents": one.fixed_millicents,
            }
            for one in terms.discounts
        ],
    }


def terms_from_json(kept: dict[str, Any]) -> Terms:
    return Terms(
        free={UUID(model): tokens for model, tokens in kept["free"].items()},
        free_by_default=kept["free_by_default"],
        discounts=tuple(
            DiscountTerms(
                one["name"],
                datetime.fromisoformat(one["valid_from"]),
                datetime.fromisoformat(one["valid_until"]),
                None if one["percentage"] is None else Decimal(one["percentage"]),
                one["fixed_millicents"],
            )
            for one in kept["discounts"]
        ),
    )
