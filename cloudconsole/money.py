"""Amounts in millicents (100,000 = 1 USD): whole numbers or decimals, exactly, and never a float."""

from decimal import Context, Decimal, Inexact

EXACT = Context(prec=100, traps=[Inexact])
_USD_IN_MILLICENTS_PLACES = 5


def usd_from_millicents(millicents: int | Decimal) -> Decimal:
    """An amount in USD, exactly; six places of millicents become eleven."""
    return Decimal(millicents).scaleb(-_USD_IN_MILLICENTS_PLACES, EXACT)


def format_usd(millicents: int | Decimal) -> str:
    """An amount for people, exactly: ``$0.02``, ``-$1.50``, ``$0.000000021``; at least two places."""
    whole, _, fraction = f"{usd_from_millicents(millicents).copy_abs():f}".partition(".")
    sign = "-" if millicents < 0 else ""
    return f"{sign}${whole}.{fraction.rstrip('0').ljust(2, '0')}"
