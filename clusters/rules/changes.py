"""What changing a cluster's fields takes: nothing, other numbers of nodes, or a restart.

Nodes restart for another package or version, for inference, and for what Qdrant reads when it starts; not for
labels, addresses that are let in, restart policy, rebalancing or speed of the disk (Qdrant Cloud's documentation).
"""

from typing import Any

from clusters.rules.lifecycle import OperationKind

SCALING_FIELDS = {"package", "number_of_nodes", "additional_disk_gib"}
RESTARTING_FIELDS = {"inference_enabled", "version", "package"}
QUIET_FIELDS = {"name", "labels", "cost_allocation_label", "extra_configuration"}


def kind_of(changes: dict[str, Any], *, extra_before: dict[str, Any]) -> OperationKind | None:
    """The operation that applies these changed fields of a cluster; None when writing them down is enough."""
    fields = set(changes)
    restarts = bool(fields & RESTARTING_FIELDS) or (
        "extra_configuration" in changes
        and _read_at_start(changes["extra_configuration"]) != _read_at_start(extra_before)
    )
    if not restarts:
        return OperationKind.SCALE_OUT if fields & SCALING_FIELDS else None
    if fields & SCALING_FIELDS:
        return OperationKind.SCALE
    return OperationKind.UPGRADE if "version" in fields else OperationKind.RESTART


def _read_at_start(extra: dict[str, Any]) -> dict[str, Any]:
    """The database's own configuration, without inference, which has a column, and messages that say nothing."""
    database = extra.get("databaseConfiguration", {})
    return {name: value for name, value in database.items() if name != "inference" and value}


def summary_of(changes: dict[str, Any], *, package_name: str) -> str:
    """What the person asked for, in one line: "Upgrade to v1.19.0, switch inference on"."""
    done = []
    if "package" in changes:
        done.append(f"scale to {package_name}")
    if (nodes := changes.get("number_of_nodes")) is not None:
        done.append(f"scale to {nodes} node{'s' if nodes > 1 else ''}")
    if (disk := changes.get("additional_disk_gib")) is not None:
        done.append(f"change the additional disk to {disk} GiB")
    if version := changes.get("version"):
        done.append(f"upgrade to {version}")
    if (inference := changes.get("inference_enabled")) is not None:
        done.append(f"switch inference {'on' if inference else 'off'}")
    sentence = ", ".join(done or ["change the configuration"])
    return sentence[0].upper() + sentence[1:]
