"""A file becomes points, in a real browser on a real cloud, without a reload by hand."""

import csv
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo
from tests.imports.files import csv_bytes

ROWS = 600


def test_a_file_is_uploaded_looked_at_paused_and_imported(page: Page, demo: Demo, tmp_path: Path) -> None:
    rows = [{"id": number, "text": f"{number} soups " + "with tomatoes and garlic " * 8} for number in range(ROWS)]
    rows[5] = {"id": "five", "text": "soup"}
    (tmp_path / "soups.csv").write_bytes(csv_bytes(rows))
    page.goto(f"/clusters/{demo.cluster('new-us')['id']}/inference")
    page.get_by_role("link", name="Import a file").click()
    page.get_by_label("CSV, JSON Lines or Parquet file").set_input_files(tmp_path / "soups.csv")
    page.get_by_role("button", name="Upload").click()

    expect(page.get_by_role("region", name="The first rows of the file")).to_contain_text("4 soups with tomatoes")
    estimate = page.locator("#estimate")
    expect(estimate).to_contain_text("Counted with the model's own tokenizer in 100 rows")
    page.evaluate("window.notReloaded = true")
    about = estimate.locator("[data-tokens]").get_attribute("data-tokens")
    page.get_by_label("Model").select_option("qdrant/bm25")
    expect(estimate.locator(f"[data-tokens='{about}']")).to_have_count(0)
    page.get_by_label("Model").select_option("sentence-transformers/all-minilm-l6-v2")
    expect(estimate.locator(f"[data-tokens='{about}']")).to_have_count(1)
    assert page.evaluate("window.notReloaded")
    page.get_by_role("button", name=f"Import {ROWS} rows").click()

    progress = page.locator("#progress")
    page.get_by_role("button", name="Pause").focus()
    page.evaluate("window.notReloaded = true")
    page.keyboard.press("Enter")
    expect(progress.locator(".card-head .badge").first).to_have_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(progress.locator(".card-head .badge").first).to_have_text("Done", timeout=120_000)
    expect(progress.locator(f"[data-points='{ROWS - 1}']")).to_be_visible()
    expect(page.locator("#announcement")).to_contain_text(f"Done: {ROWS} of {ROWS} rows, 1 not taken.")
    assert page.evaluate("window.notReloaded")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Report as CSV").click()
    [problem] = csv.DictReader(downloading.value.path().open(newline=""))
    assert (problem["row"], problem["reason"]) == ("6", "Column id holds five; ids are whole numbers or UUIDs.")


def test_a_file_that_is_too_large_is_not_sent(page: Page, demo: Demo, tmp_path: Path) -> None:
    page.goto(f"/clusters/{demo.cluster('new-us')['id']}/inference/imports")
    field = page.get_by_label("CSV, JSON Lines or Parquet file")
    field.evaluate("field => { field.dataset.mostBytes = 10; }")
    (tmp_path / "large.csv").write_bytes(csv_bytes([{"text": "more than ten bytes"}]))
    field.set_input_files(tmp_path / "large.csv")
    assert field.evaluate("field => field.validationMessage") == "This file is too large. Split it."
    page.get_by_role("button", name="Upload").click()
    expect(page).to_have_url(f"{demo.console}/clusters/{demo.cluster('new-us')['id']}/inference/imports")
    (tmp_path / "small.csv").write_bytes(b"a\nb\n")
    field.set_input_files(tmp_path / "small.csv")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("button", name="Import 1 row")).to_be_visible()
    page.get_by_role("button", name="Throw the file away").click()
    expect(page.locator("#progress .card-head .badge")).to_have_text("Cancelled")
