"""A gateway as far as the ledger sees it: writers that record events until they are killed. Imports no Django.

``python -m tests.billing.writer PLAN JOURNAL SEED``: the plan tells where and what (JSON); the journal gets one line
for every event that was confirmed, after it was, and the id of every event before it is handed in.
"""

import asyncio
import json
import random
import sys
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from billing.events import NewUsageEvent
from billing.ledger import LedgerUnavailable, LedgerWriter

WRITERS = 4


def events(plan: dict, dice: random.Random) -> list[NewUsageEvent]:
    start, end = datetime.fromisoformat(plan["start"]), datetime.fromisoformat(plan["end"])
    made = []
    for _ in range(dice.randint(1, 5)):
        account = dice.choice(plan["accounts"])
        made.append(
            NewUsageEvent(
                request_id=uuid4(),
                account_id=UUID(account["id"]),
                cluster_id=UUID(account["cluster"]),
                model_id=UUID(account["model"]),
                api_key_id=UUID(account["key"]),
                kind=dice.choice(["update", "search"]),
                tokens=dice.randint(0, 50),
                inputs=1,
                occurred_at=start + timedelta(seconds=dice.randrange(int((end - start).total_seconds()))),
            )
        )
    return made


async def write(plan: dict, journal: Path, seed: str) -> None:
    dice = random.Random(seed)
    ledger = LedgerWriter(plan["conninfo"])
    await ledger.start()
    with journal.open("a", buffering=1) as notes:
        while True:
            batch = events(plan, dice)
            try:
                await ledger.record(batch)
                notes.writelines(f"recorded {one.id} {one.tokens}\n" for one in batch)
                if dice.random() < 0.2:
                    await ledger.record(batch)
                if dice.random() < 0.1:
                    await ledger.void(batch)
                    notes.writelines(f"voided {one.id} {one.tokens}\n" for one in batch)
            except LedgerUnavailable:
                await asyncio.sleep(0.05)


async def main(plan: dict, journal: Path, seed: str) -> None:
    await asyncio.gather(*(write(plan, Path(f"{journal}.{n}"), f"{seed} {n}") for n in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), sys.argv[3]))
