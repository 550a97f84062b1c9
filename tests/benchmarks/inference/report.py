"""What was measured, line by line, and which targets were missed."""

from tests.benchmarks.inference.load import Waited


class Report:
    """Prints as it goes."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def line(self, name: str, value: str) -> None:
        print(f"{name:60} {value}", flush=True)

    def rate(self, name: str, tokens_per_second: float) -> None:
        self.line(name, f"{tokens_per_second:8.0f} tokens/s")

    def searches(self, name: str, waited: Waited) -> None:
        quantiles = f"p50 {waited.quantile(0.5):6.1f} ms   p99 {waited.quantile(0.99):6.1f} ms"
        self.line(name, f"{waited.per_second:8.0f} /s   {quantiles}")

    def at_least(self, name: str, value: float, bound: float) -> None:
        self._target(name, value, f"at least {bound}", value >= bound)

    def at_most(self, name: str, value: float, bound: float) -> None:
        self._target(name, value, f"at most {bound}", value <= bound)

    def _target(self, name: str, value: float, bound: str, met: bool) -> None:
        self.line(f"  {name}", f"{value:8.2f}   {bound}: {'met' if met else 'MISSED'}")
        if not met:
            self.missed.append(name)
