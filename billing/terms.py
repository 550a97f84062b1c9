"""What an account gets in a month: free tokens, and the discounts that are valid in it. Kept with a statement."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from billing.models import Discount
from billing.rating import UNLIMITED, DiscountTerms, Terms
from billing.rules import Month
from cloudconsole.accounts.models import Account
from clusters.models import Cluster, Package
from inference.catalogue import CATALOGUE


def terms_of(*, account: Account, month: Month) -> Terms:
    """The allowances as configured (for accounts with a paid cluster, as Qdrant Cloud launched them), and discounts."""
    valid = Discount.objects.filter(account=account, valid_from__lt=month.end, valid_until__gt=month.start)
    discounts = tuple(
        DiscountTerms(one.name, one.valid_from, one.valid_until, one.percentage, one.fixed_millicents)
        for one in valid.order_by("valid_from", "pk")
    )
    if not _has_paid_cluster(account, month):
        return Terms(discounts=discounts)
    free = {}
    for spec in CATALOGUE.values():
        if spec.name in settings.BILLING_FREE_MODELS:
            free[spec.id] = UNLIMITED
        elif spec.modality == "image":
            free[spec.id] = settings.BILLING_FREE_IMAGE_TOKENS
    return Terms(free=free, free_by_default=settings.BILLING_FREE_TEXT_TOKENS, discounts=discounts)


def _has_paid_cluster(account: Account, month: Month) -> bool:
    """At some time in the month. Rows of deleted clusters stay."""
    there = Q(deleted_at=None) | Q(deleted_at__gte=month.start)
    paid = Cluster.objects.filter(there, account=account, package__type=Package.Type.PAID)
    return paid.filter(created_at__lt=month.end).exists()


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
