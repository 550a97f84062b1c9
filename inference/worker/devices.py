"""What models run on: cores, and ONNX Runtime's execution providers."""

from collections.abc import Sequence
from dataclasses import dataclass

CPU = "CPUExecutionProvider"


class UnknownProvider(ValueError):
    """An execution provider is not installed here; the message says which ones are."""


@dataclass(frozen=True)
class Devices:
    """``threads`` is how many cores one run may use; ``providers`` are ONNX Runtime's own names, the first goes first.

    A provider leaves what it cannot run to the next.
    """

    threads: int
    providers: tuple[str, ...] = (CPU,)


def providers_called(names: Sequence[str]) -> tuple[str, ...]:
    """ONNX Runtime's names of ``cpu``, ``cuda``, ``openvino`` and so on; the CPU comes last without being asked for.

    Raises ``UnknownProvider``.
    """
    import onnxruntime  # takes a second, and only the worker has it

    installed = {name.removesuffix("ExecutionProvider").lower(): name for name in onnxruntime.get_available_providers()}
    for name in names:
        if name.lower() not in installed:
            known = ", ".join(sorted(installed))
            raise UnknownProvider(f"The installed ONNX Runtime has no provider {name!r}; it has {known}.")
    return tuple(dict.fromkeys([*(installed[name.lower()] for name in names), CPU]))
