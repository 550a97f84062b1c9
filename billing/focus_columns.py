"""What FOCUS 1.2 asks of the columns that we write: one table for the writer, the checker and the docs.

Source: the FinOps Open Cost and Usage Specification, https://focus.finops.org/focus-specification/v1-2/.
"""

from dataclasses import dataclass
from enum import Enum

import pyarrow as pa

from billing import parquet
from billing.rating import PricingUnit

FOCUS_VERSION = "1.2"

CURRENCY = "USD"


@dataclass(frozen=True)
class Metered:
    """How FOCUS names what a line counts; ``size`` consumed units are one pricing unit."""

    consumed_unit: str
    sku_meter: str
    service_category: str
    service_subcategory: str
    service_name: str
    size: int


_INFERENCE = ("AI and Machine Learning", "Natural Language Processing", "Cloud Inference")
_CLOUD = ("Databases", "NoSQL Databases", "Managed Cloud")
METERED = {  # by pricing unit
    PricingUnit.TOKENS.label: Metered("Tokens", "Input Tokens", *_INFERENCE, PricingUnit.TOKENS.size),
    PricingUnit.NODE_HOURS.label: Metered("Hours", "Node Hours", *_CLOUD, PricingUnit.NODE_HOURS.size),
    PricingUnit.DISK_HOURS.label: Metered("GiB-Hours", "Additional Disk", *_CLOUD, PricingUnit.DISK_HOURS.size),
}
CONSUMED_UNITS = tuple(one.consumed_unit for one in METERED.values())
SKU_METERS = tuple(one.sku_meter for one in METERED.values())


class Kind(Enum):
    STRING = "string"
    ID = "id"  # a UUID
    DECIMAL = "decimal"
    INTEGER = "integer"
    TIME = "time"
    TAGS = "tags"  # a JSON object


@dataclass(frozen=True, kw_only=True)
class Column:
    """``places`` of a decimal are those we write; ``allowed`` are the values that the specification lists."""

    kind: Kind = Kind.STRING
    nullable: bool = False
    mandatory: bool = False
    chosen_by_people: bool = False
    places: int = 0
    allowed: frozenset[str] | None = None

    @property
    def arrow_type(self) -> pa.DataType:
        match self.kind:
            case Kind.DECIMAL:
                return parquet.exact(self.places)
            case Kind.INTEGER:
                return pa.int64()
            case Kind.TIME:
                return parquet.TIME
        return pa.string()


def _string(*allowed: str, nullable: bool = False, mandatory: bool = False, chosen_by_people: bool = False) -> Column:
    return Column(
        nullable=nullable,
        mandatory=mandatory,
        chosen_by_people=chosen_by_people,
        allowed=frozenset(allowed) if allowed else None,
    )


_COST = Column(kind=Kind.DECIMAL, places=15, mandatory=True)
_UNIT_PRICE = Column(kind=Kind.DECIMAL, places=9, nullable=True)
_TIME = Column(kind=Kind.TIME, mandatory=True)
_ID = Column(kind=Kind.ID)

# The subcategories of every service category that we might ever be in.
SERVICE_SUBCATEGORIES = {
    "AI and Machine Learning": frozenset(
        {
            "AI Platforms",
            "Bots",
            "Generative AI",
            "Machine Learning",
            "Natural Language Processing",
            "Other (AI and Machine Learning)",
        }
    ),
    "Databases": frozenset(
        {
            "Caching",
            "Data Warehouses",
            "Ledger Databases",
            "NoSQL Databases",
            "Relational Databases",
            "Time Series Databases",
            "Other (Databases)",
        }
    ),
}
_SERVICE_CATEGORIES = (
    *("AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases", "Developer Tools"),
    *("Identity", "Integration", "Internet of Things", "Management and Governance", "Media", "Migration", "Mobile"),
    *("Multicloud", "Networking", "Other", "Security", "Storage", "Web"),
)

# FOCUS columns in the order of the alphabet, then our own.
COLUMNS: dict[str, Column] = {
    "BilledCost": _COST,
    "BillingAccountId": Column(kind=Kind.ID, mandatory=True),
    "BillingAccountName": _string(mandatory=True, chosen_by_people=True),
    "BillingCurrency": _string(CURRENCY, mandatory=True),
    "BillingPeriodEnd": _TIME,
    "BillingPeriodStart": _TIME,
    "ChargeCategory": _string("Adjustment", "Credit", "Purchase", "Tax", "Usage", mandatory=True),
    "ChargeClass": _string("Correction", nullable=True, mandatory=True),
    "ChargeDescription": _string(mandatory=True),
    "ChargeFrequency": _string("One-Time", "Recurring", "Usage-Based"),
    "ChargePeriodEnd": _TIME,
    "ChargePeriodStart": _TIME,
    "ConsumedQuantity": Column(kind=Kind.DECIMAL, places=1, nullable=True),
    "ConsumedUnit": _string(*CONSUMED_UNITS, nullable=True),
    "ContractedCost": _COST,
    "ContractedUnitPrice": _UNIT_PRICE,
    "EffectiveCost": _COST,
    "InvoiceId": _string(nullable=True),
    "InvoiceIssuerName": _string(mandatory=True),
    "ListCost": _COST,
    "ListUnitPrice": _UNIT_PRICE,
    "PricingQuantity": Column(kind=Kind.DECIMAL, places=6, nullable=True, mandatory=True),
    "PricingUnit": _string(*METERED, nullable=True, mandatory=True),
    "ProviderName": _string(mandatory=True),
    "PublisherName": _string(mandatory=True),
    "RegionId": _string(nullable=True),
    "RegionName": _string(nullable=True),
    "ResourceId": _ID,
    "ResourceName": _string(nullable=True, chosen_by_people=True),
    "ResourceType": _string("Cluster"),
    "ServiceCategory": _string(*_SERVICE_CATEGORIES, mandatory=True),
    "ServiceName": _string(mandatory=True),
    "ServiceSubcategory": _string(),
    "SkuId": _string(nullable=True),
    "SkuMeter": _string(*SKU_METERS, nullable=True),
    "SkuPriceId": _string(nullable=True),
    "SubAccountId": _ID,
    "SubAccountName": _string(chosen_by_people=True),
    "Tags": Column(kind=Kind.TAGS, nullable=True),
    "x_ApiKeyId": Column(kind=Kind.ID, nullable=True),
    "x_EventCount": Column(kind=Kind.INTEGER),
    "x_FreeAllowance": _string("No", "Yes"),
    "x_Kind": _string("compute", "disk", "search", "update"),
    "x_Model": _string(nullable=True),
}
MANDATORY = tuple(name for name, column in COLUMNS.items() if column.mandatory)
SCHEMA = pa.schema([pa.field(name, column.arrow_type, column.nullable) for name, column in COLUMNS.items()])
