"""Closes and exports a month, and tells how long that took and the most memory that the process had.

``python -m tests.benchmarks.close_and_export ACCOUNT MONTH FOLDER``; prints JSON.
"""

import json
import resource
import sys
import time
from pathlib import Path


def main() -> None:
    import django

    django.setup()
    from billing.exports import stream_export
    from billing.reports.files import write_whole
    from billing.rules import Month
    from billing.statements import close_month
    from cloudconsole.accounts.models import Account

    account, month, folder = Account.objects.get(pk=sys.argv[1]), Month.parse(sys.argv[2]), Path(sys.argv[3])
    told: dict[str, float] = {}

    def timed(what: str, began: float) -> None:
        told[what] = time.perf_counter() - began
        told[f"{what} MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    began = time.perf_counter()
    statement = close_month(account=account, month=month)
    assert statement is not None
    told["lines"] = statement.line_count
    timed("close", began)
    for format in ("csv", "focus-parquet"):
        began = time.perf_counter()
        write_whole(folder / format, stream_export(account=account, month=month, format=format))
        timed(format, began)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
