"""What the list of clusters asks about money.

Billing may import this app but not the reverse: it puts its source here when Django starts.
"""

from decimal import Decimal
from typing import Protocol
from uuid import UUID

from cloudconsole.accounts.models import Account


class CostSource(Protocol):
    def cost_this_month(self, account: Account) -> dict[UUID, Decimal]:
        """Exact millicents (100,000 = 1 USD) that each cluster was billed since the first of this month (UTC):
        its hours, its disks and its tokens. Clusters without any are left out."""


source: CostSource
