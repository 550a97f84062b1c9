"""A tally and the rater that goes on from it, as the one text that is kept of them."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import orjson

from billing.rating import MonthRater, Terms
from billing.rules import Month
from billing.tally import Billed, Hour, Tally, Thing


def tally_as_json(tally: Tally, rater: MonthRater) -> str:
    ids: dict[UUID | None, int] = {None: 0}  # each is written once: a thing has three, and shares them with others

    def number(id: UUID | None) -> int:
        return ids.setdefault(id, len(ids))

    things = [
        (
            *(number(thing.cluster_id), thing.sku, number(thing.api_key_id), thing.unit_price, thing.allowance),
            *(str(thing.percentage), thing.correction and str(thing.correction), number(thing.model_id), thing.unit),
            *(billed.quantity, billed.inputs, str(billed.list_cost), str(billed.cost)),
        )
        for thing, billed in tally.things.items()
    ]
    kept = {
        "things": things,
        "hours": [(at.isoformat(), hour[0], hour[1], str(hour[2]), str(hour[3])) for at, hour in tally.hours.items()],
        "names": [(number(id), name) for id, name in tally.names.items()],
        "tokens_left": [(number(id), left) for id, left in rater.tokens_left.items()],
        "amounts_left": [str(left) for left in rater.amounts_left],
    }
    return orjson.dumps(kept | {"ids": [str(id) for id in ids if id]}).decode()


def tally_from_json(text: str, month: Month, terms: Terms) -> tuple[Tally, MonthRater]:
    """What ``tally_as_json`` wrote, of a month under these terms."""
    kept = orjson.loads(text)
    ids = [None, *map(UUID, kept["ids"])]
    things = {
        Thing(
            *(ids[row[0]], row[1], ids[row[2]], row[3], row[4], Decimal(row[5])),
            *(Month.parse(row[6]) if row[6] else None, ids[row[7]], row[8]),
        ): Billed(row[9], row[10], Decimal(row[11]), Decimal(row[12]))
        for row in kept["things"]
    }
    hours = {
        datetime.fromisoformat(at): Hour(tokens, inputs, Decimal(cost), Decimal(spent))
        for at, tokens, inputs, cost, spent in kept["hours"]
    }
    names = {ids[number]: name for number, name in kept["names"]}
    tokens_left = {ids[number]: left for number, left in kept["tokens_left"]}
    rater = MonthRater(terms, tokens_left=tokens_left, amounts_left=[Decimal(left) for left in kept["amounts_left"]])
    return Tally(month, things, hours, names), rater
