"""Time series and log lines of clusters. Rows outlive their cluster until retention removes them: no foreign keys."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models


class TrafficSample(models.Model):
    """What the gateways answered for a cluster in one minute, or one hour once the minutes are old."""

    pk = models.CompositePrimaryKey("cluster_id", "minutes", "at")
    cluster_id = models.UUIDField()
    minutes = models.PositiveSmallIntegerField()  # how long the period is: 1 or 60
    at = models.DateTimeField()  # its start
    requests = models.BigIntegerField()
    failures = models.BigIntegerField()  # answered with a server's error: 5xx, or its gRPC equivalents
    seconds = models.FloatField()  # the sum of all latencies
    histogram = ArrayField(models.BigIntegerField())  # requests by latency, see ``rules.BOUNDS``

    class Meta:
        indexes = [BrinIndex(fields=["at"], name="traffic_by_time")]

    def __str__(self) -> str:
        return f"{self.requests} requests of {self.cluster_id} from {self.at}"


class NodeSample(models.Model):
    """What one node used in a minute or an hour: means of ``readings``; None for what its place cannot tell."""

    pk = models.CompositePrimaryKey("cluster_id", "node", "minutes", "at")
    cluster_id = models.UUIDField()
    node = models.PositiveSmallIntegerField()
    minutes = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    readings = models.PositiveIntegerField()
    cpu = models.FloatField(null=True)  # cores
    memory = models.FloatField(null=True)  # resident bytes of the process
    file_memory = models.FloatField(null=True)  # of these: pages of files, which the system may take back
    disk = models.FloatField(null=True)  # bytes
    points = models.FloatField(null=True)

    class Meta:
        indexes = [BrinIndex(fields=["at"], name="nodes_by_time")]

    def __str__(self) -> str:
        return f"node {self.node} of {self.cluster_id} from {self.at}"


class GatewayLine(models.Model):
    """A request that a gateway refused or a cluster failed, as its caller was told."""

    cluster_id = models.UUIDField()
    at = models.DateTimeField()
    message = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["cluster_id", "-at"]), BrinIndex(fields=["at"], name="lines_by_time")]

    def __str__(self) -> str:
        return self.message
