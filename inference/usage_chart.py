"""What a cluster's models did in the last thirty days: a chart by model and day, and a sparkline for each model."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from inference.catalogue import CATALOGUE

DAYS = 30
MOST_LINES = 5  # more could not be told apart; what the others did is summed up
_HEIGHT, _WIDTH, _GAP = 20, 3, 1  # of a sparkline: its height, and of a day's bar


class DailyUsage:
    """Tokens by model id and day (UTC) up to ``today``. ``lines`` and ``rows`` are the chart's, busiest model first."""

    spark_height = _HEIGHT
    spark_width = DAYS * (_WIDTH + _GAP)

    def __init__(self, tokens: dict[UUID, dict[date, int]], today: date) -> None:
        self._days = [today - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
        by_model = {model: [by_day.get(day, 0) for day in self._days] for model, by_day in tokens.items()}
        self._by_model = {model: counts for model, counts in by_model.items() if any(counts)}
        titles = {spec.id: spec.title for spec in CATALOGUE.values()}
        order = sorted(self._by_model, key=lambda model: (model in titles, sum(self._by_model[model])), reverse=True)
        shown, others = order[:MOST_LINES], order[MOST_LINES:]
        self.lines = [titles.get(model, str(model)) for model in shown] + (["Other models"] if others else [])
        columns = [self._by_model[model] for model in shown]
        if others:
            columns.append([sum(counts) for counts in zip(*(self._by_model[model] for model in others), strict=True)])
        moments = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in self._days]
        self.rows: list[tuple[datetime, list[int]]] = [
            (moment, [column[number] for column in columns]) for number, moment in enumerate(moments)
        ]

    @property
    def since(self) -> datetime:
        return self.rows[0][0]

    @property
    def until(self) -> datetime:
        return self.rows[-1][0]

    @property
    def total(self) -> int:
        return sum(sum(counts) for counts in self._by_model.values())

    def of(self, model: UUID) -> int:
        """Tokens of the model in all these days."""
        return sum(self._by_model.get(model, ()))

    def sparkline(self, model: UUID) -> str:
        """A bar for each day with tokens, none of them invisible: what SVG calls the data of a path."""
        counts = self._by_model.get(model, [])
        most = max(counts, default=0)
        heights = [max(count * _HEIGHT // most, 1) if count > 0 else 0 for count in counts]
        return "".join(
            f"M{number * (_WIDTH + _GAP)} {_HEIGHT}v-{height}h{_WIDTH}v{height}z"
            for number, height in enumerate(heights)
            if height
        )


def window(today: date) -> tuple[datetime, datetime]:
    """The thirty days that end with ``today``, as moments: ``[since, until)``."""
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC)
    return midnight - timedelta(days=DAYS - 1), midnight + timedelta(days=1)
