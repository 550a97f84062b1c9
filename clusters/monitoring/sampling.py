"""Asking those who run nodes what these use now."""

import logging
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from clusters.monitoring.recording import NodeReading, record_readings
from clusters.provisioners.errors import ProvisionerUnavailable
from clusters.provisioners.node_agent import NodeAgentProvisioner

logger = logging.getLogger(__name__)


def sample_nodes() -> None:
    """Write down what every embedded node uses: one call to the agent, one statement. Nothing while it is away."""
    try:
        usage = NodeAgentProvisioner(settings.PATHS.run).usage()
    except ProvisionerUnavailable as error:
        logger.info("nodes not sampled: %s", error)
        return
    readings = [
        NodeReading(
            cluster_id=UUID(one.cluster_id),
            cpu=one.cpu,
            memory=one.memory,
            file_memory=one.file_memory,
            disk=one.disk,
            points=one.points,
        )
        for one in usage
    ]
    record_readings(readings, at=timezone.now())
