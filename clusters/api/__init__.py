"""What the admin API says and does about clusters and their catalogue: thin functions over services and queries."""

from clusters.api import booking, clusters, database_api_keys, platform, quotas

__all__ = ["booking", "clusters", "database_api_keys", "platform", "quotas"]
