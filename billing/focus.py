"""A report's lines as charges of FOCUS (``focus_columns``), each with its list price and exact costs in USD.

Allowances and discounts are in the charges themselves: a line of the free allowance keeps its list price and bills
nothing, a percentage lowers the contracted price, a fixed discount what is billed. Usage from before a first price has
the price 0 and the SKU itself in the place of a price's id.
"""

from datetime import timedelta
from decimal import Decimal

import orjson

from billing.focus_columns import COLUMNS, CURRENCY, METERED
from billing.rating import NO_PERCENTAGE, discounted
from billing.report_line import ReportLine
from billing.rules import Month
from cloudconsole.money import EXACT, usd_from_millicents

PROVIDER = "cloudconsole"
_UNIT_PRICE = Decimal(1).scaleb(-9)
_PRICING_QUANTITY = Decimal(1).scaleb(-6)

_SAME_FOR_ALL = {
    "BillingCurrency": CURRENCY,
    "ChargeCategory": "Usage",
    "ChargeFrequency": "Usage-Based",
    "InvoiceIssuerName": PROVIDER,
    "ProviderName": PROVIDER,
    "PublisherName": PROVIDER,
    "ResourceType": "Cluster",
}


def sku_id(model: str) -> str:
    return f"inference/{model}"


def focus_charge(line: ReportLine) -> list[object]:
    """The line's values in the order of ``COLUMNS``: strings, decimals, whole numbers, times with a zone, None."""
    values = _SAME_FOR_ALL | _where_and_when(line) | _what(line) | _amounts(line)
    return [values[column] for column in COLUMNS]


def _where_and_when(line: ReportLine) -> dict[str, object]:
    month = Month.parse(line.billing_month)
    return {
        "BillingAccountId": str(line.account_id),
        "BillingAccountName": line.account_name,
        "BillingPeriodEnd": month.end,
        "BillingPeriodStart": month.start,
        "ChargeClass": "Correction" if line.correction else None,
        "ChargePeriodEnd": line.hour_start + timedelta(hours=1),
        "ChargePeriodStart": line.hour_start,
        "InvoiceId": line.invoice,
        "RegionId": line.region or None,
        "RegionName": line.region_name or None,
        "ResourceId": str(line.cluster_id),
        # FOCUS has no name rather than an id for a name.
        "ResourceName": None if line.cluster_name == str(line.cluster_id) else line.cluster_name,
        "SubAccountId": str(line.account_id),
        "SubAccountName": line.account_name,
        "Tags": _tags(line.labels),
        "x_ApiKeyId": str(line.api_key_id) if line.api_key_id else None,
    }


def _what(line: ReportLine) -> dict[str, object]:
    metered = METERED[line.pricing_unit]
    return {
        "ChargeDescription": f"{line.sku}, {line.kind}: {line.why}",
        "ConsumedUnit": metered.consumed_unit,
        "PricingUnit": line.pricing_unit,
        "ServiceCategory": metered.service_category,
        "ServiceName": metered.service_name,
        "ServiceSubcategory": metered.service_subcategory,
        "SkuId": line.sku,
        "SkuMeter": metered.sku_meter,
        "SkuPriceId": str(line.price_id) if line.price_id else line.sku,
        "x_EventCount": line.events,
        "x_FreeAllowance": "Yes" if line.allowance else "No",
        "x_Kind": line.kind,
        "x_Model": line.model,
    }


def _amounts(line: ReportLine) -> dict[str, object]:
    list_price = usd_from_millicents(line.unit_price_millicents)
    off = Decimal(100) if line.allowance else line.discount_percentage
    contracted_price = discounted(list_price, off) if off != NO_PERCENTAGE else list_price
    return {
        "BilledCost": line.cost_usd,
        "ConsumedQuantity": Decimal(line.quantity).quantize(Decimal("0.0"), context=EXACT),
        "ContractedCost": usd_from_millicents(line.contracted_cost_millicents),
        "ContractedUnitPrice": contracted_price.quantize(_UNIT_PRICE, context=EXACT),
        "EffectiveCost": line.cost_usd,
        "ListCost": usd_from_millicents(line.list_cost_millicents),
        "ListUnitPrice": list_price.quantize(_UNIT_PRICE, context=EXACT),
        "PricingQuantity": EXACT.divide(Decimal(line.quantity), Decimal(METERED[line.pricing_unit].size)).quantize(
            _PRICING_QUANTITY, context=EXACT
        ),
    }


def _tags(labels: list[dict[str, str]] | None) -> str | None:
    """A JSON object in the order of its keys. Of labels with the same key the last one counts."""
    if labels is None:
        return None
    tags = {label["key"]: label["value"] for label in labels}
    return orjson.dumps(tags, option=orjson.OPT_SORT_KEYS).decode()
