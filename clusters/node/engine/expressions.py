"""Score formulas: the API's expressions to the engine's."""

from typing import Any

import qdrant_edge as edge

from clusters.node.engine.conversion import to_engine
from clusters.node.errors import WrongInput
from clusters.node.models import m

_OF_MANY = {"mult": "Mult", "sum": "Sum", "max": "Max", "min": "Min"}
_OF_ONE = {"neg": "Neg", "abs": "Abs", "sqrt": "Sqrt", "exp": "Exp", "log10": "Log10", "ln": "Ln", "acosh": "Acosh"}
_DECAYS = {"lin_decay": "Lin", "exp_decay": "Exp", "gauss_decay": "Gauss"}


def formula(query: m.FormulaQuery) -> Any:
    """The engine's formula; raises WrongInput for a default that is no number, boolean, date or place."""
    for name, value in (query.defaults or {}).items():
        if not isinstance(value, (bool, int, float, dict)):
            raise WrongInput(f"the default of `{name}` must be a number")
    return edge.Formula(_expression(query.formula), query.defaults or {})


def _expression(value: Any) -> Any:
    expression = edge.Expression
    if isinstance(value, (int, float)):
        return expression.Constant(float(value))
    if isinstance(value, str):
        return expression.Variable(value)
    name, content = next(iter(value.__dict__.items()))
    if name in _OF_MANY:
        return getattr(expression, _OF_MANY[name])([_expression(item) for item in content])
    if name in _OF_ONE:
        return getattr(expression, _OF_ONE[name])(_expression(content))
    if name in _DECAYS:
        target = None if content.target is None else _expression(content.target)
        kind = getattr(edge.DecayKind, _DECAYS[name])
        return expression.Decay(kind, _expression(content.x), target, content.midpoint, content.scale)
    match value:
        case m.DivExpression():
            return expression.Div(_expression(content.left), _expression(content.right), content.by_zero_default)
        case m.PowExpression():
            return expression.Pow(_expression(content.base), _expression(content.exponent))
        case m.GeoDistance():
            return expression.GeoDistance(to_engine(content.origin), content.to)
        case m.DatetimeExpression():
            return expression.Datetime(content)
        case m.DatetimeKeyExpression():
            return expression.DatetimeKey(content)
    return expression.Condition(to_engine(value))
