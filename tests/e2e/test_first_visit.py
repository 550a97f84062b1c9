"""The path of somebody who is here for the first time: only links and buttons, never a reload."""

import csv
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo, sign_in

MINILM = "sentence-transformers/all-minilm-l6-v2"
ANY = re.compile(r"[1-9]\d*")


def test_from_signing_in_to_the_exported_bill_without_a_reload(
    open_page: Callable[..., Page], demo: Demo, tmp_path: Path
) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    sign_in(page, demo)

    page.get_by_role("link", name="Create cluster").click()
    page.get_by_role("textbox", name="Name").fill("first-visit")
    page.get_by_role("radio", name="us-west-2").check()
    expect(page.get_by_role("region", name="What you get")).to_contain_text("aws · us-west-2")
    expect(page.get_by_role("region", name="What you get")).to_contain_text("On from the start")
    page.get_by_role("button", name="Create cluster").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("first-visit")
    expect(page.get_by_role("main")).to_contain_text("aws · us-west-2")
    expect(page.locator("#phase")).to_have_text("Healthy")

    page.get_by_role("textbox", name="Name").fill("first key")
    page.get_by_role("button", name="Create key").click()
    secret = page.locator("#new-secret").inner_text()

    page.get_by_role("navigation", name="Cluster first-visit").get_by_role("link", name="Inference").click()
    usage, tokens = page.locator("#usage"), page.locator(f'tr[data-model="{MINILM}"] [data-tokens]')
    expect(usage).to_contain_text("No tokens yet")
    expect(tokens).to_have_attribute("data-tokens", "0")
    page.evaluate("window.notReloaded = true")
    page.locator("copy-text", has=page.locator("#snippet")).get_by_role("button", name="Copy").click()
    expect(page.locator("#announcement")).to_have_text("Copied")
    _run(page.evaluate("navigator.clipboard.readText()"), secret, tmp_path)

    expect(tokens).to_have_attribute("data-tokens", ANY)
    expect(usage.locator("canvas")).to_be_visible()
    usage.get_by_text("Show as table").click()
    counted = int(tokens.get_attribute("data-tokens") or "")
    expect(usage.get_by_role("table")).to_contain_text(f"{counted:,}")
    assert page.evaluate("window.notReloaded")

    page.get_by_role("link", name="Billing").click()
    expect(page.locator("[aria-labelledby=bill-title] canvas")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    lines = csv.DictReader(Path(download.value.path()).read_text().splitlines())
    ours = [line for line in lines if line["cluster_name"] == "first-visit" and line["model"] == MINILM]
    assert sum(int(line["tokens"]) for line in ours) == counted
    assert {line["api_key_name"] for line in ours} == {"first key"}


def _run(program: str, secret: str, folder: Path) -> None:
    file = folder / "example.py"
    file.write_text(program)
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", file],
        env=os.environ | {"QDRANT_API_KEY": secret},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
