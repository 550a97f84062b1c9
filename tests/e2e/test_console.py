"""What people do in the console, in a real browser on a real cloud."""

import csv
import os
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import DataPlane, Demo, sign_in
from tests.waiting import wait_until

MINILM = "sentence-transformers/all-minilm-l6-v2"
COOKIES = "Recipe for baking chocolate chip cookies requires flour, sugar, eggs, and chocolate chips."


def inference_tab(page: Page, cluster: str) -> None:
    page.goto("/clusters")
    page.get_by_role("link", name=cluster, exact=True).click()
    page.get_by_role("navigation", name=f"Cluster {cluster}").get_by_role("link", name="Inference").click()


def switch(page: Page, to: str) -> None:
    page.get_by_role("link", name=f"Switch inference {to}").click()
    expect(page.locator("#switch")).to_contain_text("This restarts the cluster.")
    page.get_by_role("button", name=f"Restart and switch {to}").click()


def test_inference_is_switched_on_and_off_and_followed_without_a_reload(
    page: Page, data_plane: Callable[[str], DataPlane]
) -> None:
    legacy_us = data_plane("legacy-us")
    legacy_us.make_collection("toggle")
    refused = legacy_us.upsert_text("toggle", COOKIES)
    inference_tab(page, "legacy-us")
    assert refused.status_code == 400
    expect(page.locator("#snippet-refusal")).to_contain_text(refused.json()["status"]["error"])
    page.evaluate("window.notReloaded = true")

    switch(page, "on")
    live = page.locator("#live")
    expect(live.get_by_role("list")).to_contain_text("Stop the node")
    expect(page.locator("#announcement")).to_contain_text("Switch inference on")
    expect(live.get_by_role("heading", name="Switch inference on: succeeded")).to_be_visible()
    expect(live.locator(".steps .done")).to_have_count(4)
    expect(live.locator(".card-head .badge")).to_have_text("On")
    expect(page.locator("#phase")).to_have_text("Healthy")
    expect(page.locator("#snippet-refusal")).to_be_empty()
    assert legacy_us.upsert_text("toggle", COOKIES).status_code == 200

    switch(page, "off")
    expect(live.get_by_role("heading", name="Switch inference off: succeeded")).to_be_visible()
    expect(live.locator(".card-head .badge")).to_have_text("Off")
    assert page.evaluate("window.notReloaded")
    assert legacy_us.upsert_text("toggle", COOKIES).status_code == 400


def test_everything_works_without_javascript(
    open_page: Callable[..., Page], data_plane: Callable[[str], DataPlane], demo: Demo
) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, demo)
    legacy_us = data_plane("legacy-us")
    legacy_us.make_collection("plain")
    for to, state, status in (("on", "On", 200), ("off", "Off", 400)):
        inference_tab(page, "legacy-us")
        switch(page, to)
        page.get_by_role("link", name="Reload to see how far it is").click()
        badge = page.locator("#live .card-head .badge")
        wait_until(
            lambda state=state, badge=badge: page.reload() and badge.inner_text() == state,
            seconds=30,
            what=f"a reloaded page says that inference is {to}",
        )
        assert legacy_us.upsert_text("plain", COOKIES).status_code == status

    page.get_by_role("combobox", name="Model").select_option("qdrant/bm25")
    page.get_by_label("curl").check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#snippet")).to_contain_text("curl -sS")
    expect(page.locator("#snippet")).to_contain_text("qdrant/bm25")

    page.goto("/clusters/new")
    page.get_by_label("Microsoft Azure").check()
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("radio", name="East US (Virginia)")).to_be_checked()

    page.goto("/billing")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Billing")
    assert page.locator("copy-text button").count() == 0
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest.mark.parametrize("name", ["paid-eu", "free-us"])
def test_the_tab_refuses_with_the_data_planes_sentence(
    name: str, page: Page, data_plane: Callable[[str], DataPlane]
) -> None:
    plane = data_plane(name)
    plane.make_collection("refused")
    answer = plane.upsert_text("refused", COOKIES)
    assert answer.status_code == 403
    inference_tab(page, name)
    expect(page.locator("#reason-text")).to_have_text(answer.json()["status"]["error"])
    expect(page.get_by_role("button", name="Switch inference on")).to_be_disabled()


def test_a_cluster_is_created_and_seen_to_become_healthy(page: Page) -> None:
    page.get_by_role("link", name="Create cluster").click()
    page.get_by_role("textbox", name="Name").fill("from-the-browser")
    quote = page.get_by_role("region", name="What you get")
    expect(quote).to_contain_text("On from the start")
    page.get_by_role("radio", name="eu-central-1").check()
    expect(quote).to_contain_text("Inference is available for paid clusters in US regions only.")
    page.get_by_label("Google Cloud Platform").check()
    expect(page.get_by_role("radio", name="us-east4")).to_be_checked()
    page.get_by_role("radio", name=re.compile("^mx3")).check()
    expect(quote).to_contain_text("$75.92 per month of 730 hours")
    page.get_by_label("Nodes").fill("1")
    page.get_by_label("Nodes").press("End")
    page.get_by_label("Nodes").press_sequentially("2", delay=100)
    expect(quote).to_contain_text("$911.04 per month of 730 hours")
    expect(page.get_by_label("Nodes")).to_have_value("12")
    page.get_by_label("Nodes").fill("1")
    expect(quote).to_contain_text("$75.92 per month of 730 hours")
    expect(page.locator("#announcement")).to_contain_text("mx3 in us-east4")

    page.get_by_role("button", name="Create cluster").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("from-the-browser")
    expect(page.locator("#phase")).to_have_text("Healthy")
    expect(page.locator("#live dl")).to_contain_text("Inference On")

    page.get_by_role("link", name="API keys", exact=True).first.click()
    expect(page.get_by_label("Collections to read", exact=True)).to_be_hidden()
    page.get_by_label("Access").select_option("Chosen collections")
    expect(page.get_by_label("Collections to read", exact=True)).to_be_visible()
    page.get_by_label("Access").select_option("Everything")
    page.get_by_role("textbox", name="Name").fill("browser-key")
    page.get_by_role("button", name="Create key").click()
    expect(page.locator("#new-secret")).to_contain_text("eyJ")
    expect(page.get_by_role("rowheader", name="browser-key")).to_be_visible()


@pytest.mark.parametrize("model", [MINILM, "qdrant/bm25"])
def test_the_pasted_python_program_runs_and_its_tokens_appear(
    model: str, page: Page, demo: Demo, tmp_path: Path
) -> None:
    inference_tab(page, "new-us")
    tokens = page.locator(f'tr[data-model="{model}"] [data-tokens]')
    before = int(tokens.get_attribute("data-tokens") or "")
    page.get_by_role("combobox", name="Model").select_option(model)
    expect(page.locator("#snippet")).to_contain_text(f'MODEL = "{model}"')
    program = tmp_path / "example.py"
    program.write_text(page.locator("#snippet").inner_text())

    ran = subprocess.run(
        [sys.executable, "-W", "ignore", program],
        env=os.environ | {"QDRANT_API_KEY": demo.cluster("new-us")["api_key"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    answers = ran.stdout.splitlines()
    assert COOKIES in answers[0]
    assert re.fullmatch(rf"{model}: [1-9]\d* tokens for the query", answers[-1])
    page.reload()
    assert int(tokens.get_attribute("data-tokens") or "") > before


def test_models_are_tried_and_the_page_says_what_the_ledger_says(page: Page) -> None:
    inference_tab(page, "new-us")
    tokens = page.locator(f'tr[data-model="{MINILM}"] [data-tokens]')
    before = int(tokens.get_attribute("data-tokens") or "")
    page.get_by_role("link", name="Try the models").click()
    page.get_by_label("Texts").fill(f"{COOKIES}\nchocolate biscuits\na bicycle tyre")
    page.get_by_role("button", name="Embed").click()

    tried = page.locator(f'[data-tried="{MINILM}"]')
    expect(tried.get_by_role("row")).to_have_count(4)
    said = int(tried.locator("[data-tokens]").get_attribute("data-tokens") or "")
    alike = page.get_by_role("table").filter(has_text="a bicycle tyre").last.locator("td.number")
    values = [float(value) for value in alike.all_inner_texts()]
    assert values[0] == values[4] == values[8] == 1
    assert values[1] > values[2]

    inference_tab(page, "new-us")
    assert int(tokens.get_attribute("data-tokens") or "") == before + said
    page.get_by_role("link", name="Try the models").click()
    page.get_by_label("Texts").fill("word " * 300)
    page.get_by_role("button", name="Embed").click()
    expect(tried.get_by_text("Cut after 256 tokens")).to_be_visible()
    expect(tried.locator("[data-seen=yes]")).to_have_text(" ".join(["word"] * 254))
    expect(tried.locator("[data-seen=no]")).to_have_text(" ".join(["word"] * 46))
    page.goto("/billing")
    expect(page.get_by_role("main")).to_contain_text("Console")


def curl_program(page: Page) -> Locator:
    """The program that the page shows, once it is curl's."""
    program = page.locator('#snippet[data-language="curl"]')
    expect(program).to_contain_text("curl -sS")
    return program


def test_the_pasted_curl_program_runs(page: Page, demo: Demo) -> None:
    inference_tab(page, "new-us")
    page.get_by_label("curl").check()
    snippet = curl_program(page)
    ran = subprocess.run(
        ["bash", "-e", "-c", snippet.inner_text()],
        env=os.environ | {"QDRANT_API_KEY": demo.cluster("new-us")["api_key"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    answer = ran.stdout.splitlines()[-1]
    assert COOKIES in answer
    assert f'"{MINILM}":{{"tokens":' in answer.replace(" ", "")


def test_what_is_chosen_before_the_scripts_run_counts(page: Page) -> None:
    inference_tab(page, "new-us")

    def choose_first(scripts: Route) -> None:
        page.get_by_label("curl").check()
        scripts.continue_()

    page.route("**/htmx*", choose_first)
    page.reload()
    curl_program(page)


def test_what_was_chosen_is_shown_again_on_the_way_back(page: Page) -> None:
    inference_tab(page, "new-us")
    page.get_by_label("curl").check()
    curl_program(page)
    page.get_by_role("link", name="Try the models").click()
    expect(page.get_by_label("Texts")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("curl")).to_be_checked()
    curl_program(page)


def test_snippets_are_copied_whole(open_page: Callable[..., Page], demo: Demo) -> None:
    page = open_page(storage_state=demo.session, permissions=["clipboard-read", "clipboard-write"])
    inference_tab(page, "new-us")
    page.locator("copy-text", has=page.locator("#snippet")).get_by_role("button", name="Copy").click()
    expect(page.locator("#announcement")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#snippet").text_content()


def test_the_exported_bill_sums_to_the_page(page: Page, data_plane: Callable[[str], DataPlane]) -> None:
    new_us = data_plane("new-us")
    new_us.make_collection("billed")
    assert new_us.upsert_text("billed", COOKIES).status_code == 200
    page.get_by_role("link", name="Billing").click()
    tokens = page.locator("#total-tokens").inner_text()
    cost = page.locator("#total-cost").inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    assert download.value.suggested_filename.endswith(".csv")
    lines = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert lines
    assert f"{sum(int(line['tokens']) for line in lines):,}" == tokens != "0"
    assert sum((Decimal(line["cost_usd"]) for line in lines), Decimal(0)) == Decimal(cost.removeprefix("$"))


def test_the_metrics_tab_draws_what_its_tables_say(page: Page, data_plane: Callable[[str], DataPlane]) -> None:
    data_plane("new-us").make_collection("drawn")
    page.goto("/clusters")
    page.get_by_role("link", name="new-us", exact=True).click()
    page.get_by_role("navigation", name="Cluster new-us").get_by_role("link", name="Metrics").click()
    expect(page.locator("[aria-labelledby=requests-title] time-chart canvas")).to_be_visible()
    page.locator("[aria-labelledby=requests-title] summary").first.click()
    expect(page.locator("[aria-labelledby=requests-title] table").first).to_contain_text("Answered")
    page.get_by_label("Time").select_option("24h")
    page.wait_for_url("**/metrics?window=24h")
    expect(page.locator("[aria-labelledby=requests-title] time-chart canvas")).to_be_visible()
