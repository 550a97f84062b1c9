"""A statement as a PDF. The same statement gives the same bytes: nothing in them depends on the moment.

The built-in fonts know Latin-1 only; other letters of names become question marks.
"""

from decimal import Decimal

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from billing.document import SIMULATION, StatementDocument
from billing.rules import StatementState
from cloudconsole.money import format_usd

_COLUMNS = (("Cluster", 34), ("What", 62), ("Quantity", 30), ("List cost", 32), ("Billed", 32))
_HEIGHT = 5


def statement_pdf(document: StatementDocument) -> bytes:
    pdf = FPDF(format="A4")
    pdf.set_creation_date(document.closed_at or document.month.start)
    pdf.set_title(_latin(f"{document.title}, {document.month}"))
    pdf.set_margin(10)
    pdf.add_page()
    _heading(pdf, document)
    _table(pdf, document)
    _totals(pdf, document)
    return bytes(pdf.output())


def _latin(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")


def _text(pdf: FPDF, text: str, *, size: int = 9, style: str = "") -> None:
    pdf.set_font("Helvetica", style, size)
    pdf.multi_cell(0, _HEIGHT, _latin(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _heading(pdf: FPDF, document: StatementDocument) -> None:
    _text(pdf, document.title, size=16, style="B")
    pdf.ln(3)
    _text(pdf, f"{document.account_name} ({document.account_id})")
    month = document.month
    _text(pdf, f"Usage of {month}, from {month.start:%Y-%m-%d} to {month.end:%Y-%m-%d} (UTC, the end not included)")
    if document.state is StatementState.VOID:
        _text(pdf, "VOID: this statement was taken back.", style="B")
    _text(pdf, SIMULATION, style="I")
    pdf.ln(3)


def _table(pdf: FPDF, document: StatementDocument) -> None:
    pdf.set_font("Helvetica", "", 8)
    widths = [width for _, width in _COLUMNS]
    with pdf.table(col_widths=widths, text_align=("LEFT", "LEFT", "RIGHT", "RIGHT", "RIGHT")) as table:
        table.row([name for name, _ in _COLUMNS])
        for line in document.lines:
            what = f"{line.sku}, {line.note}" if line.note else line.sku
            quantity = f"{line.quantity:,} {line.things}"
            cells = (line.cluster, what, quantity, format_usd(line.list_cost), format_usd(line.cost))
            table.row([_latin(cell) for cell in cells])


def _totals(pdf: FPDF, document: StatementDocument) -> None:
    pdf.ln(4)
    amounts: list[tuple[str, int | Decimal]] = [
        ("List cost of everything used", document.list_cost),
        ("Free allowances and discounts", -document.reductions),
        ("Exact sum", document.exact_total),
        ("Left out by rounding to 0.00001 USD", document.residual),
        ("Total", document.total),
        (f"Tax, {document.tax_percentage.normalize():f} %", document.tax),
        ("Drawn from prepaid credits", -document.credit_drawn),
        ("To pay (simulation)", document.due),
    ]
    for name, amount in amounts:
        _text(pdf, f"{name}: {format_usd(amount)}", style="B" if name.startswith(("Total", "To pay")) else "")
    if document.sha256:
        pdf.ln(2)
        _text(pdf, f"SHA-256 of the lines as JSON Lines: {document.sha256}", size=7)
