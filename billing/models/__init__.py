"""The ledger and what is made of it."""

from billing.models.ledger import (
    ArchivedMonth,
    KeptTally,
    Kind,
    MeteredCluster,
    RollupProgress,
    UsageEvent,
    UsageRollup,
)
from billing.models.statements import BillingProgress, CreditDrawdown, Statement, StatementLine
from billing.models.terms import Credit, Discount, PackagePrice

__all__ = [
    "ArchivedMonth",
    "BillingProgress",
    "Credit",
    "CreditDrawdown",
    "Discount",
    "KeptTally",
    "Kind",
    "MeteredCluster",
    "PackagePrice",
    "RollupProgress",
    "Statement",
    "StatementLine",
    "UsageEvent",
    "UsageRollup",
]
