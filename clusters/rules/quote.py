"""What a cluster costs, before it is there."""

from dataclasses import dataclass

HOURS_PER_MONTH = 730  # a year's hours over twelve, as cloud price lists count


@dataclass(frozen=True)
class Quote:
    """Integer millicents (100,000 = 1 USD) for all nodes of a cluster."""

    per_hour: int
    additional_disk_per_hour: int = 0  # the part of it that is for disk on top of the package's

    @property
    def per_month(self) -> int:
        return self.per_hour * HOURS_PER_MONTH


def quote(
    *, price_per_hour: int, number_of_nodes: int = 1, additional_disk_gib: int = 0, disk_price_per_gib_hour: int = 0
) -> Quote:
    """The price of ``number_of_nodes`` nodes of a package with ``price_per_hour`` millicents per node, each with
    ``additional_disk_gib`` GiB more than the package has."""
    disk = additional_disk_gib * disk_price_per_gib_hour * number_of_nodes
    return Quote(price_per_hour * number_of_nodes + disk, disk)
