"""The corpus of wrong values: each turns a right FOCUS file into a wrong one, for one reason."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Mistake:
    """``wrong`` instead of the right value of a column, in row 2; and what the checker has to say of it."""

    column: str
    wrong: str
    reason: str
    told_of: str = ""  # the column named in the problem, if it is another one
    also: dict[str, str] | None = None  # values that have to change along

    def __str__(self) -> str:
        return f"{self.column}={self.wrong or 'null'}"


NULL = "there is nothing (null), which may not be"
MISTAKES = [
    Mistake("BilledCost", "", NULL),
    Mistake("BilledCost", "2", "'2' is no decimal number with a point and nothing else"),
    Mistake("BilledCost", "$0.025925907000000", "is no decimal number"),
    Mistake("BilledCost", "0,02592590700", "is no decimal number"),
    Mistake("BilledCost", "2.59E-2", "is no decimal number"),
    Mistake("BilledCost", "+0.025925907000000", "is no decimal number"),
    Mistake("BilledCost", "NaN", "is no decimal number"),
    Mistake("BilledCost", "1.000000000000000", "1.000000000000000 is more than ContractedCost, 0.025925907000000"),
    Mistake("BilledCost", "-0.025925907000000", "-0.025925907000000 is negative, and this is no correction"),
    Mistake("BilledCost", "0.000000000000000", "it is not BilledCost", told_of="EffectiveCost"),
    Mistake("BillingAccountId", "Acme", "'Acme' is no id"),
    Mistake("BillingAccountId", str(UUID(int=77)), "it is not BillingAccountId", told_of="SubAccountId"),
    Mistake("BillingAccountName", "", NULL),
    Mistake("BillingAccountName", "Other", "Other differs from Acme of the same BillingAccountId"),
    Mistake("BillingCurrency", "usd", "'usd' is none of the allowed values"),
    Mistake("BillingCurrency", "EUR", "'EUR' is none of the allowed values"),
    Mistake("BillingPeriodEnd", "2026-12-02T00:00:00Z", "it is not the end of 2026-11"),
    Mistake("BillingPeriodEnd", "2026-11-30T23:59:59Z", "it is not the end of 2026-11"),
    Mistake("BillingPeriodStart", "2026-11-02T00:00:00Z", "it is not the start of a month"),
    Mistake("BillingPeriodStart", "2026-11-01", "'2026-11-01' is no time such as"),
    Mistake("BillingPeriodStart", "2026-11-01T00:00:00", "is no time such as"),
    Mistake("BillingPeriodStart", "2026-11-01T00:00:00+00:00", "is no time such as"),
    Mistake("BillingPeriodStart", "2026-11-01 00:00:00Z", "is no time such as"),
    Mistake("BillingPeriodStart", "2026-11-31T00:00:00Z", "is no time that exists"),
    Mistake("ChargeCategory", "usage", "'usage' is none of the allowed values"),
    Mistake("ChargeCategory", "", NULL),
    Mistake("ChargeClass", "Fix", "'Fix' is none of the allowed values"),
    Mistake("ChargeDescription", "", NULL),
    Mistake("ChargeDescription", " ", "' ' stands for nothing"),
    Mistake("ChargeFrequency", "Hourly", "'Hourly' is none of the allowed values"),
    Mistake("ChargePeriodEnd", "2026-11-15T14:00:00Z", "it is not an hour after ChargePeriodStart"),
    Mistake("ChargePeriodEnd", "2026-11-15T11:00:00Z", "it is not an hour after ChargePeriodStart"),
    Mistake(
        "ChargePeriodStart",
        "2026-12-01T00:00:00Z",
        "it is after BillingPeriodEnd",
        told_of="ChargePeriodEnd",
        also={"ChargePeriodEnd": "2026-12-01T01:00:00Z"},
    ),
    Mistake(
        "ChargePeriodStart",
        "2026-10-31T23:00:00Z",
        "it is before BillingPeriodStart, and this is no correction",
        also={"ChargePeriodEnd": "2026-11-01T00:00:00Z"},
    ),
    Mistake(
        "ChargePeriodStart",
        "2026-11-15T12:30:00Z",
        "it is not the start of an hour",
        also={"ChargePeriodEnd": "2026-11-15T13:30:00Z"},
    ),
    Mistake("ConsumedQuantity", "1234567", "'1234567' is no decimal number"),
    Mistake("ConsumedQuantity", "1,234,567.0", "is no decimal number"),
    Mistake("ConsumedQuantity", "1234568.0", "it stands for 1234567.000000 units", told_of="PricingQuantity"),
    Mistake("ConsumedQuantity", "1234567.5", "1234567.5 is no whole number of units"),
    Mistake("ConsumedQuantity", "", "which may not be for usage that is no correction"),
    Mistake("ConsumedUnit", "tokens", "'tokens' is none of the allowed values"),
    Mistake("ConsumedUnit", "", "there is nothing (null), but ConsumedQuantity has a value"),
    Mistake(
        "ContractedCost",
        "0.025925907000001",
        "0.025925907000001 is not ContractedUnitPrice x PricingQuantity, 0.025925907000000",
    ),
    Mistake("ContractedUnitPrice", "0.021010000", "0.021010000 is more than ListUnitPrice, 0.021000000"),
    Mistake("ContractedUnitPrice", "-0.021000000", "-0.021000000 is negative"),
    Mistake("EffectiveCost", "0.000000000000000", "it is not BilledCost"),
    Mistake("InvoiceId", "NULL", "'NULL' stands for nothing, which FOCUS says with a null"),
    Mistake("InvoiceIssuerName", "n/a", "'n/a' stands for nothing"),
    Mistake(
        "ListCost",
        "0.025925907000001",
        "0.025925907000001 is not ListUnitPrice x PricingQuantity, 0.025925907000000",
    ),
    Mistake("ListCost", "0.02", "0.02 is not ListUnitPrice x PricingQuantity"),
    Mistake("ListUnitPrice", "0.022000000", "0.022000000 differs from 0.021000000 of the same SkuPriceId"),
    Mistake("ListUnitPrice", "", "which may not be for usage that is no correction"),
    Mistake("PricingQuantity", "1.234568", "it stands for 1234568.000000 units"),
    Mistake("PricingQuantity", "", "which may not be for usage that is no correction"),
    Mistake(
        "PricingUnit", "Hours", "'Tokens' does not go with PricingUnit 'Hours', but 'Hours'", told_of="ConsumedUnit"
    ),
    Mistake("PricingUnit", "Million Tokens", "'Million Tokens' is none of the allowed values"),
    Mistake("ProviderName", "", NULL),
    Mistake("PublisherName", "", NULL),
    Mistake("RegionId", "", "there is nothing (null), but RegionName has a value"),
    Mistake("RegionName", "", "there is nothing (null), but RegionId has a value"),
    Mistake("ResourceId", "", NULL),
    Mistake("ResourceId", str(UUID(int=0xA)).upper(), "is no id (a UUID in small letters)"),
    Mistake("ResourceName", str(UUID(int=2)), "it repeats ResourceId"),
    Mistake("ResourceName", "two", "two differs from one of the same ResourceId"),
    Mistake("ResourceType", "Server", "'Server' is none of the allowed values"),
    Mistake("ServiceCategory", "AI", "'AI' is none of the allowed values"),
    Mistake("ServiceCategory", "Compute", "is not known as one of 'Compute'", told_of="ServiceSubcategory"),
    Mistake("ServiceName", "Managed Cloud", "'Managed Cloud' does not go with PricingUnit '1000000 Tokens'"),
    Mistake("ServiceName", "", NULL),
    Mistake("ServiceSubcategory", "Embedding", "'Embedding' is not known as one of 'AI and Machine Learning'"),
    Mistake("SkuId", "inference/other", "'inference/other' is not the SKU of x_Model"),
    Mistake("SkuId", "", "which may not be for usage that is no correction"),
    Mistake("SkuMeter", "Output Tokens", "'Output Tokens' is none of the allowed values"),
    Mistake("SkuPriceId", "", "which may not be for usage that is no correction"),
    Mistake("SubAccountId", str(UUID(int=77)), "it is not BillingAccountId"),
    Mistake("SubAccountName", "", NULL),
    Mistake("Tags", "team=search", "'team=search' is no JSON"),
    Mistake("Tags", '["team"]', "is no JSON object of strings"),
    Mistake("Tags", '{"team":1}', "is no JSON object of strings"),
    Mistake("Tags", '{"env":"a","env":"b"}', "is not written in one way"),
    Mistake("Tags", '{"team": "search"}', "is not written in one way"),
    Mistake("Tags", "{}", "{} differs from"),
    Mistake("x_ApiKeyId", "reader", "'reader' is no id"),
    Mistake("x_ApiKeyId", "", "there is nothing (null), which may not be for tokens"),
    Mistake("x_EventCount", "2.0", "'2.0' is no whole number"),
    Mistake("x_EventCount", "-1", "-1 is no count of events of a line"),
    Mistake("x_FreeAllowance", "yes", "'yes' is none of the allowed values"),
    Mistake("x_FreeAllowance", "Yes", "is billed for what the free allowance covers", told_of="BilledCost"),
    Mistake("x_Kind", "delete", "'delete' is none of the allowed values"),
    Mistake("x_Kind", "update", "a row before is the same charge", told_of="ChargePeriodStart"),
    Mistake("x_Model", "", "there is nothing (null), which may not be for tokens"),
]
