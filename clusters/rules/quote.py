"""What a cluster costs, before it is there."""

from dataclasses import dataclass

HOURS_PER_MONTH = 730  # a year's hours over twelve, as cloud price lists count


@dataclass(frozen=True)
class Quote:
    """Integer millicents (100,000 = 1 USD) for all nodes of a cluster."""

    per_hour: int

    @property
    def per_month(self) -> int:
        return self.per_hour * HOURS_PER_MONTH


def quote(*, price_per_hour: int, number_of_nodes: int = 1) -> Quote:
    """The price of ``number_of_nodes`` nodes of a package with ``price_per_hour`` millicents per node."""
    return Quote(price_per_hour * number_of_nodes)
