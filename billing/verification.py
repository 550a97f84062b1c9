"""Bills computed a second time, another way, and compared: the ledger's rows in plain Python against SQL and files.

Nothing here uses ``queries.RATED_USAGE`` to find what is right. Memory grows with the lines of a month.
"""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import TruncMonth

from billing.exports import EXPORT_FORMATS, stream_export
from billing.focus_check import check_focus
from billing.models import UsageEvent
from billing.queries import Usage, usage_by_api_key, usage_by_cluster, usage_by_hour, usage_by_model
from billing.readback import UNREADABLE, Amounts, LineKey, Lines, read_back
from billing.rules import Month, PriceVersion, price_at, rate
from cloudconsole.accounts.models import Account
from cloudconsole.money import usd_from_millicents
from inference.models import InferenceModel, ModelPrice

_FOCUS = "focus-"
_EVENTS_AT_A_TIME = 2_000


@dataclass
class Verdict:
    """What the ledger says of an account's month, what was compared with it, and what differs."""

    account: Account
    month: Month
    total: Amounts = field(default_factory=Amounts)
    lines: int = 0
    checked: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def accounts_and_months(*, account: Account | None = None, month: Month | None = None) -> list[tuple[Account, Month]]:
    """Every account and month with rows in the ledger. An account that is gone has its id for a name."""
    events = UsageEvent.objects.all()
    if account is not None:
        events = events.filter(account_id=account.pk)
    if month is not None:
        events = events.filter(occurred_at__gte=month.start, occurred_at__lt=month.end)
    found = events.annotate(start=TruncMonth("occurred_at", tzinfo=UTC)).values_list("account_id", "start").distinct()
    pairs = sorted(found, key=lambda pair: (pair[1], pair[0]))
    accounts = Account.objects.in_bulk({account_id for account_id, _ in pairs})
    return [(accounts.get(id) or Account(id=id, name=str(id)), Month.of(start)) for id, start in pairs]


def verify_month(*, account: Account, month: Month) -> Verdict:
    """Recompute the month from the ledger and compare every query and every export format with it.

    All of it sees the ledger at one moment, so usage that arrives meanwhile is no difference.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        verdict = Verdict(account, month)
        ledger = _Ledger(account, month)
        verdict.total, verdict.lines = ledger.total, len(ledger.lines)
        _compare_queries(verdict, ledger)
        _compare_exports(verdict, ledger)
    return verdict


class _Ledger:
    """The rows of an account's month, each rated by itself with ``rules.price_at`` and ``rules.rate``, and summed."""

    def __init__(self, account: Account, month: Month) -> None:
        self._names = {model.pk: model.name for model in InferenceModel.objects.all()}
        self._prices: dict[UUID, list[PriceVersion]] = {}
        self.prices_by_id: dict[str, datetime] = {}
        for price in ModelPrice.objects.all():
            version = PriceVersion(price.effective_from, price.millicents_per_million)
            self._prices.setdefault(price.model_id, []).append(version)
            self.prices_by_id[str(price.pk)] = price.effective_from
        self._by_key: Lines = {}
        rows = UsageEvent.objects.filter(account_id=account.pk, occurred_at__gte=month.start, occurred_at__lt=month.end)
        for row in rows.iterator(chunk_size=_EVENTS_AT_A_TIME):
            self._add(row)
        self.lines: Lines = self.summed(lambda key: key)
        self.total = self.summed(lambda key: None).get(None, Amounts())

    def _add(self, row: UsageEvent) -> None:
        price = price_at(self._prices.get(row.model_id, []), row.occurred_at)
        key = LineKey(
            hour=row.occurred_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0),
            cluster_id=str(row.cluster_id),
            model=self._names.get(row.model_id, str(row.model_id)),
            api_key_id=str(row.api_key_id),
            kind=row.kind,
            price_from=price.effective_from if price else None,
            unit_price=price.millicents_per_million if price else 0,
        )
        amounts = Amounts(
            tokens=row.tokens,
            inputs=row.inputs,
            events=1 if row.corrects_id is None else -1,
            cost=rate(row.tokens, price.millicents_per_million) if price else Decimal(0),
        )
        self._by_key[key] = self._by_key.get(key, Amounts()) + amounts

    def summed(self, of: Callable[[LineKey], Any]) -> dict[Any, Amounts]:
        """By whatever ``of`` tells of a line; what was taken back in full is left out."""
        sums: dict[Any, Amounts] = {}
        for key, amounts in self._by_key.items():
            sums[of(key)] = sums.get(of(key), Amounts()) + amounts
        return {thing: sum for thing, sum in sums.items() if sum.tokens or sum.inputs or sum.events}


def _compare_queries(verdict: Verdict, ledger: _Ledger) -> None:
    # Each with what its answers are about, and what that is of a line.
    queries: dict[str, tuple[Callable[..., Iterable[Usage]], str, Callable[[LineKey], Any]]] = {
        "by model": (usage_by_model, "model", lambda key: key.model),
        "by cluster": (usage_by_cluster, "cluster_id", lambda key: key.cluster_id),
        "by API key": (usage_by_api_key, "api_key_id", lambda key: key.api_key_id),
        "by hour": (usage_by_hour, "hour", lambda key: f"{key.hour}"),
    }
    for name, (query, about, of_line) in queries.items():
        found: dict[Any, Amounts] = {}
        for used in query(month=verdict.month, account=verdict.account):
            thing = str(getattr(used, about))
            amounts = Amounts(tokens=used.tokens, inputs=used.inputs, cost=used.cost_millicents)
            found[thing] = found.get(thing, Amounts()) + amounts
        _compare(verdict, name, ledger.summed(of_line), found, ("tokens", "inputs", "cost"))


def _compare_exports(verdict: Verdict, ledger: _Ledger) -> None:
    with tempfile.TemporaryDirectory(prefix="verify-billing-") as folder:
        path = Path(folder) / "export"
        for format in EXPORT_FORMATS:
            with path.open("wb") as file:
                file.writelines(stream_export(account=verdict.account, month=verdict.month, format=format))
            fields: tuple[str, ...] = ("tokens", "inputs", "events", "cost")
            if format.startswith(_FOCUS):
                fields = ("tokens", "events", "cost")
                verdict.differences += [f"{format}: {problem}" for problem in check_focus(path, _sums(ledger.total))]
            try:
                found = read_back(format, path, ledger.prices_by_id)
            except UNREADABLE as error:
                verdict.checked.append(format)
                verdict.differences.append(f"{format}: cannot be read back: {type(error).__name__}: {error}")
            else:
                _compare(verdict, format, ledger.lines, found, fields)


def _sums(total: Amounts) -> dict[str, Decimal | int]:
    """What columns of FOCUS must sum to."""
    cost = usd_from_millicents(total.cost)
    costs = dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), cost)
    return {"ConsumedQuantity": total.tokens, "x_EventCount": total.events, **costs}


def _compare(
    verdict: Verdict, name: str, due: Mapping[Any, Amounts], found: Mapping[Any, Amounts], fields: Iterable[str]
) -> None:
    verdict.checked.append(name)
    for thing in [*due, *(thing for thing in found if thing not in due)]:
        for field_name in fields:
            ledger_says = getattr(due.get(thing, Amounts()), field_name)
            it_says = getattr(found.get(thing, Amounts()), field_name)
            if ledger_says != it_says:
                verdict.differences.append(
                    f"{name}: {thing}: {field_name}: the ledger says {ledger_says}, here it is {it_says}"
                )
