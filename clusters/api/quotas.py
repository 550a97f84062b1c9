"""QuotaService: how much an account may have."""

from cloudconsole.api.callers import Caller
from cloudconsole.api.gen.qdrant.cloud.quota.v1 import quota_pb2 as pb
from cloudconsole.api.registry import serves
from clusters.queries import quotas_of


@serves("qdrant.cloud.quota.v1.QuotaService.GetAccountQuotas")
def get_account_quotas(request: pb.GetAccountQuotasRequest, caller: Caller) -> pb.GetAccountQuotasResponse:
    quotas = quotas_of(caller.account)
    answer = pb.GetAccountQuotasResponse(account_id=str(caller.account.pk))
    if "write:clusters" in caller.permissions:
        answer.max_clusters = quotas.max_clusters
        answer.max_cluster_nodes = quotas.max_cluster_nodes
        answer.max_free_tier_clusters = quotas.max_free_tier_clusters
    if "read:api_keys" in caller.permissions:
        answer.max_cluster_database_api_keys = quotas.max_cluster_database_api_keys
    return answer
