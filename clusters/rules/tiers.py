"""What the tiers of packages offer: the free one is small and in chosen regions, the premium one is not sold."""

from cloudconsole.errors import Refusal


def refusal_of_free_shape(*, region_name: str, free_tier: bool, nodes: int, additional_disk_gib: int) -> Refusal | None:
    """Why a free cluster cannot be like this, or None if it can."""
    if not free_tier:
        return Refusal(
            "free-region", f"Free clusters are not offered in {region_name}. Choose a region with a free tier."
        )
    if nodes != 1 or additional_disk_gib:
        return Refusal(
            "free-size",
            "A free cluster has exactly one node and no additional disk. Ask for that, or choose a paid package.",
        )
    return None


def refusal_of_premium(*, package_tier: str) -> Refusal | None:
    """Why a premium package (several availability zones, reserved hardware) cannot be had, or None if it is none."""
    if package_tier == "premium":
        return Refusal(
            "premium", "Premium packages need a premium contract, which this cloud does not sell. Choose another one."
        )
    return None
