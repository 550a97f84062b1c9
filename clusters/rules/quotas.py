"""How much an account may have. An operator can allow one account more or less (``models.AccountQuota``)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quotas:
    """Names and meanings are those of Qdrant Cloud's ``GetAccountQuotas``; the numbers are ours."""

    max_clusters: int = 100
    max_cluster_nodes: int = 50  # of one cluster
    max_cluster_database_api_keys: int = 100  # of one cluster
    max_free_tier_clusters: int = 1
