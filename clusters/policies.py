"""What other apps decide about a cluster's configuration.

Clusters know that a configuration has an inference switch, not when it may be on: the inference app, which may
import this one but not the reverse, answers that through the policy it puts here when Django starts.
"""

from datetime import datetime
from typing import Protocol

from cloudconsole.errors import Refusal
from clusters.models import Package, Region


class InferencePolicy(Protocol):
    def refusal_to_enable(self, *, package: Package, region: Region) -> Refusal | None:
        """Why inference cannot be on with this package in this region, or None if it can."""

    def enabled_at_creation(self, *, package: Package, region: Region, created_at: datetime) -> bool:
        """Whether a cluster created then starts with inference on when nobody says otherwise."""


inference: InferencePolicy
