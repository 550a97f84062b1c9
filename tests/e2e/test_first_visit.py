"""The path of somebody who is here for the first time: only links and buttons, never a reload."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo, sign_in

MINILM = "sentence-transformers/all-minilm-l6-v2"
TOKENS = f'tr[data-model="{MINILM}"] [data-tokens]'
SHOWN_WITHIN_SECONDS = 2
RELOADED = "if (performance.getEntriesByType('navigation')[0]?.type === 'reload') throw new Error('reloaded by hand')"
# The page itself looks, by its own clock: how fast the test's process is does not matter.
WATCH = """(selector) => {
    window.shown = [{ tokens: 0, at: 0 }];
    new MutationObserver(() => {
        const tokens = Number(document.querySelector(selector).dataset.tokens);
        if (tokens !== window.shown.at(-1).tokens) window.shown.push({ tokens, at: Date.now() / 1000 });
    }).observe(document.getElementById("main"), { subtree: true, childList: true, attributes: true });
}"""
SHOWN_BY = (
    """(moment) => new Promise((tell) => setTimeout(() => tell(window.shown.at(-1)), moment * 1000 - Date.now()))"""
)


def test_from_signing_in_to_the_exported_bill_without_a_reload(
    open_page: Callable[..., Page], demo: Demo, tmp_path: Path
) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.add_init_script(RELOADED)
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

    tabs = page.get_by_role("navigation", name="Cluster first-visit")
    tabs.get_by_role("link", name="API keys").click()
    page.get_by_role("textbox", name="Name").fill("first key")
    page.get_by_role("button", name="Create key").click()
    secret = page.locator("#new-secret").inner_text()

    tabs.get_by_role("link", name="Inference").click()
    usage = page.locator("#usage")
    expect(usage).to_contain_text("No tokens yet")
    expect(page.locator(TOKENS)).to_have_attribute("data-tokens", "0")
    page.evaluate("window.notReloaded = true")
    page.locator("copy-text", has=page.locator("#snippet")).get_by_role("button", name="Copy").click()
    expect(page.locator("#announcement")).to_have_text("Copied")
    page.evaluate(WATCH, TOKENS)
    answered_at = _run(page.evaluate("navigator.clipboard.readText()"), secret, tmp_path)

    shown = page.evaluate(SHOWN_BY, answered_at + SHOWN_WITHIN_SECONDS)
    assert shown["at"] - answered_at < SHOWN_WITHIN_SECONDS
    counted = shown["tokens"]
    expect(usage.locator("canvas")).to_be_visible()
    usage.get_by_text("Show as table").click()
    expect(usage.get_by_role("table")).to_contain_text(f"{counted:,}")
    assert page.evaluate("window.notReloaded")

    page.get_by_role("link", name="Billing").click()
    expect(page.locator("[aria-labelledby=bill-title] canvas")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    lines = csv.DictReader(Path(download.value.path()).read_text().splitlines())
    ours = [line for line in lines if line["cluster_name"] == "first-visit" and line["model"] == MINILM]
    assert sum(int(line["tokens"]) for line in ours) == counted > 0
    assert {line["api_key_name"] for line in ours} == {"first key"}


def _run(program: str, secret: str, folder: Path) -> float:
    """When the program printed its answer, in seconds since the epoch."""
    file = folder / "example.py"
    file.write_text(program)
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", file],
        env=os.environ | {"QDRANT_API_KEY": secret, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        printed, answered_at = process.stdout.readline(), time.time()
        assert process.wait(timeout=60) == 0, process.stderr.read()
    assert printed
    return answered_at
