"""How the console writes icons, money, numbers and times."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from math import floor, log10
from pathlib import Path

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from cloudconsole.accounts.permissions import permission_refusal
from cloudconsole.money import format_usd

register = template.Library()

ICONS = Path(settings.BASE_DIR) / "static" / "icons"


def _icon_body(name: str) -> str:
    source = (ICONS / f"{name}.svg").read_text()
    found = re.search(r"<svg[^>]*>(.*)</svg>", source, re.DOTALL)
    if found is None:
        raise ValueError(f"{name}.svg is not an SVG file")
    return " ".join(found[1].split())


@register.simple_tag
@cache
def icon(name: str, style: str = "") -> SafeString:
    """The icon ``static/icons/<name>.svg`` inline, hidden from screen readers: a word always stands next to it."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>',
        style,
        mark_safe(_icon_body(name)),  # noqa: S308 - a file of ours
    )


@register.filter
def usd(millicents: int | Decimal) -> str:
    """Exact dollars of millicents: 2600 is ``$0.026``. Never rounded, so that columns add up."""
    return format_usd(millicents)


@register.filter
def refusal(permissions: frozenset[str], needed: str) -> str | None:
    """Why somebody with these permissions may not do what needs another one; None when they may."""
    return permission_refusal([needed], permissions)


@register.filter
def measured(number: float) -> str:
    """A measured value with four significant digits, without separators or exponent: programs read it, too."""
    text = f"{number:.{max(0, 3 - floor(log10(abs(number))))}f}" if number else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def grouped(number: int) -> str:
    """An integer with thousands separators."""
    return f"{number:,}"


@register.filter
def as_json(value: object) -> str:
    """A value as JSON text, to be escaped like any other text."""
    return json.dumps(value, ensure_ascii=False)


@register.filter
def vcpu(millicores: int) -> str:
    """Virtual processors of thousandths of one: 500 is ``0.5``."""
    return f"{millicores / 1000:g}"


@register.filter
def when(moment: datetime | None) -> SafeString | str:
    """A moment in UTC as a ``<time>`` element; a dash for none."""
    if moment is None:
        return "–"
    utc = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{} UTC</time>', f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc.day} {utc:%b %Y, %H:%M:%S}"
    )


@register.filter
def day(moment: datetime) -> SafeString:
    """The day that begins at a moment in UTC as a ``<time>`` element."""
    return format_html('<time datetime="{}">{}</time>', f"{moment:%Y-%m-%dT%H:%M:%SZ}", f"{moment.day} {moment:%b %Y}")


@register.filter
def heat(value: float) -> int:
    """A similarity from -1 to 1 as one of the eleven shades of a heat map; below 0 is the coolest."""
    return round(max(0.0, min(1.0, value)) * 10)
