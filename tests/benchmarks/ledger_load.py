"""A gateway process that only meters: ``python -m tests.benchmarks.ledger_load PLAN SECONDS CALLERS``.

So many callers record one event each, again and again, as requests would; prints how many were confirmed.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from billing.events import NewUsageEvent
from billing.ledger import LedgerWriter


async def load(plan: dict[str, str], seconds: float, callers: int) -> int:
    ledger = LedgerWriter(plan["conninfo"])
    await ledger.start()
    loop = asyncio.get_running_loop()
    until, confirmed = loop.time() + seconds, 0
    account, cluster, model, key = (UUID(plan[name]) for name in ("account", "cluster", "model", "key"))

    async def caller() -> None:
        nonlocal confirmed
        while loop.time() < until:
            event = NewUsageEvent(
                request_id=uuid4(),
                account_id=account,
                cluster_id=cluster,
                model_id=model,
                api_key_id=key,
                kind="search",
                tokens=12,
                inputs=1,
                occurred_at=datetime.now(UTC),
            )
            await ledger.record([event])
            confirmed += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    await ledger.stop()
    return confirmed


if __name__ == "__main__":
    print(asyncio.run(load(json.loads(Path(sys.argv[1]).read_text()), float(sys.argv[2]), int(sys.argv[3]))))
