"""Our own strict checker of FOCUS files: stricter than the specification where our exports promise more."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import Any

from billing.focus import sku_id
from billing.focus_columns import COLUMNS, METERED, SERVICE_SUBCATEGORIES, Kind
from billing.focus_files import NotFocus, Problem, read_focus
from billing.rules import Month
from cloudconsole.money import EXACT

SUMMABLE = tuple(name for name, column in COLUMNS.items() if column.kind in (Kind.DECIMAL, Kind.INTEGER))
NATURAL_KEY = (
    *("BillingPeriodStart", "ChargePeriodStart", "ResourceId", "SkuId", "SkuPriceId", "x_ApiKeyId", "x_Kind"),
    *("ChargeClass", "x_FreeAllowance", "ContractedUnitPrice"),
)

_AMOUNTS = tuple(name for name, column in COLUMNS.items() if column.kind is Kind.DECIMAL)
_NOT_NULL_FOR_USAGE = (
    *("ConsumedQuantity", "ConsumedUnit", "ContractedUnitPrice", "ListUnitPrice"),
    *("PricingQuantity", "PricingUnit", "SkuId", "SkuMeter", "SkuPriceId"),
)
_HOUR = timedelta(hours=1)
_COLUMNS_THAT_GO_TOGETHER = (
    ("ConsumedQuantity", "ConsumedUnit"),
    ("PricingQuantity", "PricingUnit"),
    ("RegionId", "RegionName"),
)

Values = Mapping[str, Any]
Finding = tuple[str, str]  # a column and what is wrong with it


def check_focus(path: Path, expected_sums: Mapping[str, Decimal | int] | None = None) -> Iterator[Problem]:
    """Every problem of the file, from its first row to its last, then those of its sums. Raises ``OSError``.

    Keeps a digest of every row's natural key, 16 bytes each.
    """
    across = _AcrossRows()
    try:
        for row in read_focus(path):
            yield from row.problems
            for rule in (*_RULES, across.findings):
                yield from (Problem(reason, row.number, column) for column, reason in rule(row.values))
    except NotFocus as not_focus:
        yield from not_focus.problems
        return
    for column, expected in (expected_sums or {}).items():
        if (found := across.sums.get(column, 0)) != expected:
            yield Problem(f"the sum is {found:f} and not {expected:f}", column=column)


def _known(values: Values, *columns: str) -> bool:
    """Whether the row has all of them, readable and not null."""
    return all(values.get(column) is not None for column in columns)


def _null(values: Values, column: str) -> bool:
    return column in values and values[column] is None


def _correction(values: Values) -> bool:
    return values.get("ChargeClass") == "Correction"


def _usage_has_quantities_and_prices(values: Values) -> Iterator[Finding]:
    if values.get("ChargeCategory") == "Usage" and not _correction(values):
        for column in _NOT_NULL_FOR_USAGE:
            if _null(values, column):
                yield column, "there is nothing (null), which may not be for usage that is no correction"


def _what_goes_together_is_null_together(values: Values) -> Iterator[Finding]:
    for one, other in _COLUMNS_THAT_GO_TOGETHER:
        for null, given in ((one, other), (other, one)):
            if _null(values, null) and _known(values, given):
                yield null, f"there is nothing (null), but {given} has a value"


def _nothing_is_negative(values: Values) -> Iterator[Finding]:
    if _correction(values):
        return
    for column in _AMOUNTS:
        if _known(values, column) and values[column] < 0:
            yield column, f"{values[column]:f} is negative, and this is no correction"
    if _known(values, "x_EventCount") and values["x_EventCount"] < 0:
        yield "x_EventCount", f"{values['x_EventCount']} is no count of events of a line"


def _costs_are_price_times_quantity(values: Values) -> Iterator[Finding]:
    if _correction(values):
        return
    for cost, price in (("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")):
        if _known(values, cost, price, "PricingQuantity"):
            due = EXACT.multiply(values[price], values["PricingQuantity"])
            if due != values[cost]:
                yield cost, f"{values[cost]:f} is not {price} x PricingQuantity, {due:f}"


def _quantities_are_the_same(values: Values) -> Iterator[Finding]:
    if _known(values, "ConsumedQuantity") and values["ConsumedQuantity"] % 1:
        yield "ConsumedQuantity", f"{values['ConsumedQuantity']:f} is no whole number of units"
    metered = METERED.get(str(values.get("PricingUnit")))
    if metered and _known(values, "ConsumedQuantity", "PricingQuantity"):
        units = EXACT.multiply(values["PricingQuantity"], Decimal(metered.size))
        if units != values["ConsumedQuantity"]:
            yield "PricingQuantity", f"it stands for {units:f} units and ConsumedQuantity for others"


def _units_and_services_agree(values: Values) -> Iterator[Finding]:
    if metered := METERED.get(str(values.get("PricingUnit"))):
        for column, due in (
            ("ConsumedUnit", metered.consumed_unit),
            ("SkuMeter", metered.sku_meter),
            ("ServiceCategory", metered.service_category),
            ("ServiceName", metered.service_name),
        ):
            if _known(values, column) and values[column] != due:
                yield column, f"{values[column]!r} does not go with PricingUnit {values['PricingUnit']!r}, but {due!r}"


def _tokens_have_a_model_and_a_key(values: Values) -> Iterator[Finding]:
    if values.get("ConsumedUnit") == "Tokens":
        for column in ("x_Model", "x_ApiKeyId"):
            if _null(values, column):
                yield column, "there is nothing (null), which may not be for tokens"


def _what_is_free_bills_nothing(values: Values) -> Iterator[Finding]:
    if values.get("x_FreeAllowance") == "Yes" and _known(values, "BilledCost") and values["BilledCost"] != 0:
        yield "BilledCost", f"{values['BilledCost']:f} is billed for what the free allowance covers"


def _nobody_pays_more_than_the_list(values: Values) -> Iterator[Finding]:
    if _correction(values):
        return
    for cheaper, dearer in (
        ("ContractedCost", "ListCost"),
        ("ContractedUnitPrice", "ListUnitPrice"),
        ("BilledCost", "ContractedCost"),
    ):
        if _known(values, cheaper, dearer) and values[cheaper] > values[dearer]:
            yield cheaper, f"{values[cheaper]:f} is more than {dearer}, {values[dearer]:f}"
    if _known(values, "EffectiveCost", "BilledCost") and values["EffectiveCost"] != values["BilledCost"]:
        yield "EffectiveCost", "it is not BilledCost, and nothing was paid in advance"


def _billing_periods_are_months(values: Values) -> Iterator[Finding]:
    if not _known(values, "BillingPeriodStart"):
        return
    month = Month.of(values["BillingPeriodStart"])
    if values["BillingPeriodStart"] != month.start:
        yield "BillingPeriodStart", "it is not the start of a month"
    elif _known(values, "BillingPeriodEnd") and values["BillingPeriodEnd"] != month.end:
        yield "BillingPeriodEnd", f"it is not the end of {month}"


def _charge_periods_are_hours_of_the_month(values: Values) -> Iterator[Finding]:
    """Those of corrections are hours of a month before."""
    if not _known(values, "ChargePeriodStart", "ChargePeriodEnd"):
        return
    start, end = values["ChargePeriodStart"], values["ChargePeriodEnd"]
    if start.minute or start.second or start.microsecond:
        yield "ChargePeriodStart", "it is not the start of an hour"
    if end - start != _HOUR:
        yield "ChargePeriodEnd", "it is not an hour after ChargePeriodStart"
    if _known(values, "BillingPeriodStart") and start < values["BillingPeriodStart"] and not _correction(values):
        yield "ChargePeriodStart", "it is before BillingPeriodStart, and this is no correction"
    if _known(values, "BillingPeriodEnd") and end > values["BillingPeriodEnd"]:
        yield "ChargePeriodEnd", "it is after BillingPeriodEnd"


def _names_agree(values: Values) -> Iterator[Finding]:
    if _known(values, "ServiceCategory", "ServiceSubcategory"):
        category, subcategory = values["ServiceCategory"], values["ServiceSubcategory"]
        if subcategory not in SERVICE_SUBCATEGORIES.get(category, ()):
            yield "ServiceSubcategory", f"{subcategory!r} is not known as one of {category!r}"
    if _known(values, "SkuId", "x_Model") and values["SkuId"] != sku_id(values["x_Model"]):
        yield "SkuId", f"{values['SkuId']!r} is not the SKU of x_Model, {sku_id(values['x_Model'])!r}"
    if _known(values, "ResourceName", "ResourceId") and values["ResourceName"] == values["ResourceId"]:
        yield "ResourceName", "it repeats ResourceId; a resource without a name has none (null)"
    if _known(values, "SubAccountId", "BillingAccountId") and values["SubAccountId"] != values["BillingAccountId"]:
        yield "SubAccountId", "it is not BillingAccountId, and accounts have no other accounts"


_RULES: tuple[Callable[[Values], Iterator[Finding]], ...] = (
    _usage_has_quantities_and_prices,
    _what_goes_together_is_null_together,
    _nothing_is_negative,
    _costs_are_price_times_quantity,
    _quantities_are_the_same,
    _units_and_services_agree,
    _what_is_free_bills_nothing,
    _tokens_have_a_model_and_a_key,
    _nobody_pays_more_than_the_list,
    _billing_periods_are_months,
    _charge_periods_are_hours_of_the_month,
    _names_agree,
)


class _AcrossRows:
    """What only shows when rows are seen together: duplicates, ids that mean two things, sums."""

    ONE_OF_EACH = (
        ("SkuPriceId", "SkuId"),
        ("SkuPriceId", "ListUnitPrice"),
        ("SkuId", "PricingUnit"),
        ("BillingAccountId", "BillingAccountName"),
        ("ResourceId", "ResourceName"),
        ("ResourceId", "Tags"),
    )

    def __init__(self) -> None:
        self.sums: dict[str, Decimal | int] = {}
        self._keys: set[bytes] = set()
        self._meanings: dict[tuple[str, str, str], object] = {}

    def findings(self, values: Values) -> Iterator[Finding]:
        for column in SUMMABLE:
            if _known(values, column):
                self.sums[column] = EXACT.add(Decimal(self.sums.get(column, 0)), Decimal(values[column]))
        yield from self._duplicates(values)
        for id, property in self.ONE_OF_EACH:
            if _known(values, id) and property in values:
                first = self._meanings.setdefault((id, values[id], property), values[property])
                if first != values[property]:
                    yield property, f"{values[property]!s} differs from {first!s} of the same {id} in a row before"

    def _duplicates(self, values: Values) -> Iterator[Finding]:
        if all(column in values for column in NATURAL_KEY):
            key = repr([values[column] for column in NATURAL_KEY])
            digest = blake2b(key.encode(), digest_size=16).digest()
            if digest in self._keys:
                yield "ChargePeriodStart", "a row before is the same charge: same hour, resource, SKU, price and key"
            self._keys.add(digest)
