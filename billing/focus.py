"""A report's lines as charges of FOCUS (``focus_columns``), each with its list price and exact costs in USD.

Usage from before a model's first price has the price 0 and the SKU itself in the place of a price's id.
"""

from datetime import timedelta
from decimal import Decimal

import orjson

from billing.focus_columns import COLUMNS, CONSUMED_UNIT, CURRENCY, PRICING_UNIT, SKU_METER
from billing.lines import ReportLine
from billing.rules import Month, millicents_from_millionths
from cloudconsole.money import EXACT, usd_from_millicents

PROVIDER = "cloudconsole"

_SAME_FOR_ALL = {
    "BillingCurrency": CURRENCY,
    "ChargeCategory": "Usage",
    "ChargeClass": None,
    "ChargeFrequency": "Usage-Based",
    "ConsumedUnit": CONSUMED_UNIT,
    "InvoiceId": None,
    "InvoiceIssuerName": PROVIDER,
    "PricingUnit": PRICING_UNIT,
    "ProviderName": PROVIDER,
    "PublisherName": PROVIDER,
    "ResourceType": "Cluster",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "Cloud Inference",
    "ServiceSubcategory": "Natural Language Processing",
    "SkuMeter": SKU_METER,
}


def sku_id(model: str) -> str:
    return f"inference/{model}"


def focus_charge(line: ReportLine) -> list[object]:
    """The line's values in the order of ``COLUMNS``: strings, decimals, whole numbers, times with a zone, None."""
    values = _SAME_FOR_ALL | _where_and_when(line) | _amounts(line)
    return [values[column] for column in COLUMNS]


def _where_and_when(line: ReportLine) -> dict[str, object]:
    month = Month.of(line.hour_start)
    return {
        "BillingAccountId": str(line.account_id),
        "BillingAccountName": line.account_name,
        "BillingPeriodEnd": month.end,
        "BillingPeriodStart": month.start,
        "ChargePeriodEnd": line.hour_start + timedelta(hours=1),
        "ChargePeriodStart": line.hour_start,
        "RegionId": line.region or None,
        "RegionName": line.region_name or None,
        "ResourceId": str(line.cluster_id),
        # FOCUS has no name rather than an id for a name.
        "ResourceName": None if line.cluster_name == str(line.cluster_id) else line.cluster_name,
        "SubAccountId": str(line.account_id),
        "SubAccountName": line.account_name,
        "Tags": _tags(line.labels),
        "x_ApiKeyId": str(line.api_key_id),
    }


def _amounts(line: ReportLine) -> dict[str, object]:
    unit_price = usd_from_millicents(line.unit_price_millicents_per_million_tokens)
    cost = line.cost_usd
    return {
        "BilledCost": cost,
        "ChargeDescription": f"Tokens of {line.model}, {line.kind}",
        "ConsumedQuantity": Decimal(line.tokens).quantize(Decimal("0.0"), context=EXACT),
        "ContractedCost": cost,
        "ContractedUnitPrice": unit_price,
        "EffectiveCost": cost,
        "ListCost": cost,
        "ListUnitPrice": unit_price,
        "PricingQuantity": millicents_from_millionths(line.tokens),
        "SkuId": sku_id(line.model),
        "SkuPriceId": str(line.price_id) if line.price_id else sku_id(line.model),
        "x_EventCount": line.events,
        "x_Kind": line.kind,
        "x_Model": line.model,
    }


def _tags(labels: list[dict[str, str]] | None) -> str | None:
    """A JSON object in the order of its keys. Of labels with the same key the last one counts."""
    if labels is None:
        return None
    tags = {label["key"]: label["value"] for label in labels}
    return orjson.dumps(tags, option=orjson.OPT_SORT_KEYS).decode()
