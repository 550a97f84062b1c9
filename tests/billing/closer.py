"""A worker that closes months of every account until it is killed: ``python -m tests.billing.closer PLAN SEED``."""

import json
import random
import sys
import time
from pathlib import Path


def main() -> None:
    import django

    django.setup()
    from django.db import OperationalError

    from billing.rollups import LedgerBusy, update_rollups
    from billing.rules import Month
    from billing.statements import close_month
    from cloudconsole.accounts.models import Account

    plan, dice = json.loads(Path(sys.argv[1]).read_text()), random.Random(sys.argv[2])
    months = [Month.parse(month) for month in plan["months"]]
    while True:
        # Months are closed little by little, so that all of the time some are closed and others are not.
        allowed = int((time.time() - plan["began"]) / plan["seconds_per_month"])
        try:
            if dice.random() < 0.3:
                update_rollups()
            for account in Account.objects.filter(pk__in=[one["id"] for one in plan["accounts"]]).order_by("?"):
                close_month(account=account, month=months[min(allowed, len(months) - 1)])
        except (LedgerBusy, OperationalError):
            time.sleep(0.05)


if __name__ == "__main__":
    main()
