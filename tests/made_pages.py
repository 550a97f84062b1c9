"""Pages that somebody has to make first: they show an import or what the models made of a text."""

from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

from tests.imports.files import csv_bytes

PATIENCE_MILLISECONDS = 60_000
MORE_THAN_A_MODEL_SEES = "The kitchen smelled of garlic, and the soup had been simmering since the morning. " * 40


def walk_made_pages(page: Page, *, cluster_id: str, folder: Path) -> Iterator[str]:
    """Makes one after the other, and names it while ``page`` shows it."""
    rows = [
        {"id": number, "title": f"Soup {number}", "text": f"Garlic and tomatoes for {number}. " * 12}
        for number in range(60)
    ]
    rows[5] |= {"id": "five"}
    (folder / "kitchen.csv").write_bytes(csv_bytes(rows))
    page.goto(f"/clusters/{cluster_id}/inference/imports")
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("Choose a file first.").wait_for()
    yield "imports, no file"
    page.get_by_label("CSV, JSON Lines or Parquet file").set_input_files(folder / "kitchen.csv")
    page.get_by_role("button", name="Upload").click()
    begin = page.get_by_role("button", name="Import 60 rows")
    begin.wait_for()
    yield "import, choices"
    page.get_by_label("Collection").fill("")
    begin.click()
    page.get_by_text("Name a collection of the cluster").wait_for()
    yield "import, no collection"
    page.get_by_label("Collection").fill("kitchen")
    page.get_by_label("Model").select_option("qdrant/bm25")
    begin.click()
    page.locator("#progress .card-head .badge", has_text="Done").first.wait_for(timeout=PATIENCE_MILLISECONDS)
    yield "import, done"
    page.get_by_role("link", name="Imports").click()
    page.get_by_role("link", name="kitchen.csv").first.wait_for()
    yield "imports, some"
    page.goto(f"/clusters/{cluster_id}/inference/try")
    page.get_by_label("Texts").fill(f"A short text about soup\n{MORE_THAN_A_MODEL_SEES.strip()}")
    page.get_by_role("button", name="Embed").click()
    page.get_by_role("heading", name="How alike").first.wait_for(timeout=PATIENCE_MILLISECONDS)
    yield "tried"
