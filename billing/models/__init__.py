"""The ledger and what is made of it."""

from billing.models.ledger import ArchivedMonth, Kind, MeteredCluster, RollupProgress, UsageEvent, UsageRollup
from billing.models.statements import BillingProgress, CreditDrawdown, Statement, StatementLine
from billing.models.terms import Credit, Discount, PackagePrice

__all__ = [
    "ArchivedMonth",
    "BillingProgress",
    "Credit",
    "CreditDrawdown",
    "Discount",
    "Kind",
    "MeteredCluster",
    "PackagePrice",
    "RollupProgress",
    "Statement",
    "StatementLine",
    "UsageEvent",
    "UsageRollup",
]
