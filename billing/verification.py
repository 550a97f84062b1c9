"""Bills computed a second time, another way, and compared: the ledger's rows in plain Python against SQL and files.

What is right is found without ``hourly``'s SQL: both share only the pure rules. Memory grows with the lines of a month.
"""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import TruncMonth

from billing.corrections import billed_lines, corrections
from billing.exports import EXPORT_FORMATS, stream_export
from billing.focus_check import check_focus
from billing.kept_check import check_files, check_rollups, check_statement
from billing.lines import bill_lines, kept_terms, progress_of, rated_lines
from billing.models import PackagePrice, Statement, UsageEvent
from billing.queries import Usage, usage_by_api_key, usage_by_cluster, usage_by_hour, usage_by_model
from billing.rating import MonthRater, order
from billing.readback import UNREADABLE, Amounts, LineKey, Lines, PricesById, key_and_amounts, read_back
from billing.report_line import Heading
from billing.rules import Month, PriceVersion, price_at
from billing.terms import terms_of
from cloudconsole.accounts.models import Account
from cloudconsole.money import usd_from_millicents
from clusters.models import Package
from inference.models import InferenceModel, ModelPrice

_FOCUS = "focus-"
_EVENTS_AT_A_TIME = 2_000
_TOKENS = "tokens"
_ALL_AMOUNTS: tuple[str, ...] = ("quantity", "inputs", "events", "list_cost", "cost")


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
    """Every account and month with rows in the ledger or a statement. An account that is gone has its id for a name."""
    events, statements = UsageEvent.objects.all(), Statement.objects.all()
    if account is not None:
        events, statements = events.filter(account_id=account.pk), statements.filter(account_id=account.pk)
    if month is not None:
        events = events.filter(occurred_at__gte=month.start, occurred_at__lt=month.end)
        statements = statements.filter(month=month.first_day)
    found = events.annotate(start=TruncMonth("occurred_at", tzinfo=UTC)).values_list("account_id", "start").distinct()
    pairs = {(Month.of(start), id) for id, start in found}
    pairs |= {(Month.of_day(day), id) for id, day in statements.values_list("account_id", "month")}
    accounts = Account.objects.in_bulk({account_id for _, account_id in pairs})
    return [(accounts.get(id) or Account(id=id, name=str(id)), when) for when, id in sorted(pairs)]


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
        bill = _compare_bills(verdict, ledger)
        _compare_queries(verdict, bill)
        _compare_exports(verdict, bill, ledger.prices_by_id)
        _check_what_is_kept(verdict)
    return verdict


class _Ledger:
    """The rows of an account's month in plain Python: priced with ``rules.price_at``, summed, rated, without SQL."""

    def __init__(self, account: Account, month: Month) -> None:
        self._names = {model.pk: model.name for model in InferenceModel.objects.all()}
        self._packages = {package.pk: package.name for package in Package.objects.all()}
        self._prices: dict[tuple[UUID, str], list[PriceVersion]] = {}
        self.prices_by_id: dict[str, datetime] = {}
        for price in ModelPrice.objects.all():
            self._add_price(price.pk, (price.model_id, _TOKENS), price.effective_from, price.millicents_per_million)
        for of_package in PackagePrice.objects.all():
            thing = (of_package.package_id, of_package.kind)
            self._add_price(of_package.pk, thing, of_package.effective_from, of_package.millicents_per_hour)
        used: dict[_Used, tuple[int, int, int]] = {}
        rows = UsageEvent.objects.filter(account_id=account.pk, occurred_at__gte=month.start, occurred_at__lt=month.end)
        for row in rows.iterator(chunk_size=_EVENTS_AT_A_TIME):
            key, sign = self._used(row), 1 if row.corrects_id is None else -1
            quantity, inputs, events = used.get(key, (0, 0, 0))
            used[key] = (quantity + row.tokens + row.hours, inputs + row.inputs, events + sign)
        self.lines = self._rated(account, month, {key: sums for key, sums in used.items() if any(sums)})
        self.total = self.summed(lambda key: None).get(None, Amounts())

    def _add_price(self, id: UUID, thing: tuple[UUID, str], effective_from: datetime, millicents: int) -> None:
        self._prices.setdefault(thing, []).append(PriceVersion(effective_from, millicents))
        self.prices_by_id[str(id)] = effective_from

    def _used(self, row: UsageEvent) -> "_Used":
        thing = row.model_id or row.package_id
        assert thing is not None, "every event is of a model or of a package"
        of_tokens = row.model_id is not None
        price = price_at(self._prices.get((thing, _TOKENS if of_tokens else row.kind), []), row.occurred_at)
        sku = f"inference/{self._names.get(thing, thing)}"
        if not of_tokens:
            sku = f"{'cluster' if row.kind == 'compute' else 'disk'}/{self._packages.get(thing, thing)}"
        return _Used(
            hour_start=row.occurred_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0),
            cluster_id=row.cluster_id,
            sku=sku,
            model_id=row.model_id,
            api_key_id=row.api_key_id,
            kind=row.kind,
            unit_price=price.millicents if price else 0,
            price_effective_from=price.effective_from if price else None,
        )

    def _rated(self, account: Account, month: Month, used: dict["_Used", tuple[int, int, int]]) -> Lines:
        rater = MonthRater(kept_terms(account, month) or terms_of(account=account, month=month))
        lines: Lines = {}
        for usage in sorted(used, key=order):
            quantity, inputs, events = used[usage]
            for n, charge in enumerate(rater.charges(replace(usage, quantity=quantity))):
                first = n == 0
                lines[usage.key(charge.allowance)] = Amounts(
                    quantity=charge.quantity,
                    inputs=inputs if first else 0,
                    events=events if first else 0,
                    list_cost=charge.list_cost,
                    cost=charge.cost,
                )
        return lines

    def summed(self, of: Callable[[LineKey], Any]) -> dict[Any, Amounts]:
        """By whatever ``of`` tells of a line."""
        return _summed(self.lines.items(), of)


@dataclass(frozen=True, kw_only=True)
class _Used:
    """What makes the usage of an hour one thing; ``quantity`` is filled in once it is summed."""

    hour_start: datetime
    cluster_id: UUID
    sku: str
    model_id: UUID | None
    api_key_id: UUID | None
    kind: str
    unit_price: int
    price_effective_from: datetime | None
    quantity: int = 0

    def key(self, allowance: bool) -> LineKey:
        return LineKey(
            hour=self.hour_start,
            cluster_id=str(self.cluster_id),
            sku=self.sku,
            api_key_id=str(self.api_key_id or ""),
            kind=self.kind,
            price_from=self.price_effective_from,
            unit_price=self.unit_price,
            allowance=allowance,
        )


def _summed(lines: Iterable[tuple[LineKey, Amounts]], of: Callable[[LineKey], Any]) -> dict[Any, Amounts]:
    sums: dict[Any, Amounts] = {}
    for key, amounts in lines:
        sums[of(key)] = sums.get(of(key), Amounts()) + amounts
    return {thing: sum for thing, sum in sums.items() if sum}


def _compare_bills(verdict: Verdict, ledger: _Ledger) -> Lines:
    """The lines about the month, on whatever statement they are, come to the ledger. Returns those of its own bill."""
    account, month = verdict.account, verdict.month
    own = _summed(map(key_and_amounts, bill_lines(account=account, month=month)), lambda key: key)
    about = [(key, amounts) for key, amounts in own.items() if not key.correction]
    progress = progress_of(account)
    if progress.closed_through is not None and month <= Month.of_day(progress.closed_through):
        heading = Heading(account, month)
        now = rated_lines(heading=heading, source="ledger", terms=kept_terms(account, month))
        pending = corrections(now, billed_lines(account.pk, month), heading)
        about = [key_and_amounts(line) for line in (*billed_lines(account.pk, month), *pending)]
    found = _summed(about, lambda key: key._replace(correction=False))
    _compare(verdict, "bill", ledger.lines, found, _ALL_AMOUNTS)
    return own


def _compare_queries(verdict: Verdict, bill: Lines) -> None:
    # Each with what its answers are about, and what that is of a line.
    queries: dict[str, tuple[Callable[..., Iterable[Usage]], str, Callable[[LineKey], Any]]] = {
        "by model": (usage_by_model, "model", lambda key: key.sku.removeprefix("inference/")),
        "by cluster": (usage_by_cluster, "cluster_id", lambda key: key.cluster_id),
        "by API key": (usage_by_api_key, "api_key_id", lambda key: key.api_key_id),
        "by hour": (usage_by_hour, "hour", lambda key: f"{key.hour}"),
    }
    inference = [(key, amounts) for key, amounts in bill.items() if key.kind not in ("compute", "disk")]
    for name, (query, about, of_line) in queries.items():
        found: dict[Any, Amounts] = {}
        for used in query(month=verdict.month, account=verdict.account):
            thing = str(getattr(used, about))
            amounts = Amounts(quantity=used.tokens, inputs=used.inputs, cost=used.cost_millicents)
            found[thing] = found.get(thing, Amounts()) + amounts
        _compare(verdict, name, _summed(inference, of_line), found, ("quantity", "inputs", "cost"))


def _compare_exports(verdict: Verdict, bill: Lines, prices_by_id: PricesById) -> None:
    total = _summed(bill.items(), lambda key: None).get(None, Amounts())
    with tempfile.TemporaryDirectory(prefix="verify-billing-") as folder:
        path = Path(folder) / "export"
        for format in EXPORT_FORMATS:
            with path.open("wb") as file:
                file.writelines(stream_export(account=verdict.account, month=verdict.month, format=format))
            fields = _ALL_AMOUNTS
            if format.startswith(_FOCUS):
                fields = ("quantity", "events", "list_cost", "cost")
                verdict.differences += [f"{format}: {problem}" for problem in check_focus(path, _sums(total))]
            try:
                found = read_back(format, path, prices_by_id)
            except UNREADABLE as error:
                verdict.checked.append(format)
                verdict.differences.append(f"{format}: cannot be read back: {type(error).__name__}: {error}")
            else:
                _compare(verdict, format, bill, found, fields)


def _check_what_is_kept(verdict: Verdict) -> None:
    checks = {"rollups": check_rollups, "statement": check_statement, "files": check_files}
    for name, check in checks.items():
        verdict.checked.append(name)
        verdict.differences += [f"{name}: {sentence}" for sentence in check(verdict.account, verdict.month)]


def _sums(total: Amounts) -> dict[str, Decimal | int]:
    """What columns of FOCUS must sum to."""
    cost = usd_from_millicents(total.cost)
    costs = {"BilledCost": cost, "EffectiveCost": cost, "ListCost": usd_from_millicents(total.list_cost)}
    return {"ConsumedQuantity": total.quantity, "x_EventCount": total.events, **costs}


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
