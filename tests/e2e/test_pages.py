"""Every page in a real browser: accessible in both themes, usable by keyboard alone, in the theme somebody chose."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from cloudconsole.paths import PROJECT_DIR
from tests.e2e.conftest import DataPlane, Demo
from tests.made_pages import walk_made_pages
from tests.pages import NOTHING_THERE, PAGES
from tests.running_cloud import RunningCloud

ALL = {"sign in": "/sign-in", **PAGES, "nothing there": NOTHING_THERE}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


def violations(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    """What axe-core finds, with the elements."""
    found = Axe().run(page, options={"resultTypes": ["violations"], **(options or {})}).response["violations"]
    return [f"{one['id']}: {node['html'][:160]} ({node['failureSummary']})" for one in found for node in one["nodes"]]


def overflows(page: Page) -> list[str]:
    """Widths, from a small phone to 4K, at which the page is wider than the window."""
    found = []
    for width in (360, 3840):
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"wider than {width} px")
    page.set_viewport_size({"width": 1280, "height": 900})
    return found


def out_of_the_keyboards_reach(page: Page) -> list[str]:
    """Controls that Tab does not reach, or not in the order in which they are read."""
    return page.evaluate(
        """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
            .filter((one) => one.checkVisibility() && !one.disabled && one.type !== 'hidden')
            .filter((one) => one.tabIndex > 0 || (one.tabIndex < 0 && !one.hasAttribute('tabindex')))
            .map((one) => `not reached: ${one.outerHTML.slice(0, 160)}`)"""
    )


def forgotten_when_swapped(page: Page) -> list[str]:
    """Controls in parts that renew themselves: without an id the focus on them is lost, and what was opened closes."""
    return page.evaluate(
        """() => ['#live', '#progress', '#exports', '[hx-trigger*=every]', '[hx-trigger*=intersect]']
            .map((part) => `${part} :is(a[href], button, input, select, summary, details, [tabindex])`)
            .flatMap((controls) => [...document.querySelectorAll(controls)])
            .filter((one) => !one.id && !one.disabled && one.type !== 'hidden')
            .map((one) => `forgotten when swapped: ${one.outerHTML.slice(0, 160)}`)"""
    )


def faults_of(page: Page) -> list[str]:
    page.emulate_media(color_scheme="light")
    found = [*violations(page), *overflows(page), *out_of_the_keyboards_reach(page), *forgotten_when_swapped(page)]
    page.emulate_media(color_scheme="dark")
    found += violations(page, COLOURS)
    page.emulate_media(color_scheme="light")
    return found


def test_every_page_is_accessible_fits_and_says_nothing_to_the_console(
    open_page: Callable[..., Page], demo: Demo, data_plane: Callable[[str], DataPlane]
) -> None:
    new_us = data_plane("new-us")
    new_us.make_collection("looked-at")
    new_us.upsert_text("looked-at", "something to show").raise_for_status()
    signed_in, stranger = open_page(storage_state=demo.session, wanted={404}), open_page()
    problems = {}
    for name, path in ALL.items():
        page = stranger if name == "sign in" else signed_in
        page.goto(path.format(id=demo.cluster("new-us")["id"]))
        problems[name] = faults_of(page)
    assert {name: found for name, found in problems.items() if found} == {}


def test_so_is_every_page_that_somebody_has_to_make_first(
    open_page: Callable[..., Page], demo: Demo, tmp_path: Path
) -> None:
    # A refused form is an answer with status 422, which Chromium reports.
    page = open_page(storage_state=demo.session, wanted={422})
    made = walk_made_pages(page, cluster_id=demo.cluster("new-us")["id"], folder=tmp_path)
    assert {name: found for name in made if (found := faults_of(page))} == {}


def test_the_theme_is_switched_without_a_reload_and_remembered(open_page: Callable[..., Page], demo: Demo) -> None:
    page = open_page(storage_state=demo.session, color_scheme="light")
    page.goto("/settings")
    page.evaluate("window.notReloaded = true")
    light = page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")
    page.get_by_label("Dark").check()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")
    assert dark != light
    switch = page.locator("#theme-switch")
    switch.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Like the system")).to_be_checked()
    expect(switch).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("window.notReloaded")
    # The answer itself says so: no script has to run before the first paint.
    page.goto("/clusters", wait_until="commit")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor") == dark


def focused(page: Page) -> str:
    """What a keyboard user would call the element they are on."""
    return page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id")


def tab_to(page: Page, what: str, most: int = 60) -> None:
    """Press Tab until the focus is on it; every stop on the way shows where it is."""
    for _ in range(most):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", focused(page)
        if focused(page) == what:
            return
    raise AssertionError(f"{what} is not within {most} tabs")


def test_the_keyboard_alone_goes_from_sign_in_to_a_restart_and_the_bill(
    open_page: Callable[..., Page], demo: Demo
) -> None:
    page = open_page()
    page.goto("/")
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type(demo.email)
    page.keyboard.press("Tab")
    page.keyboard.type(demo.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Clusters")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to content"
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    tab_to(page, "paid-eu")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("paid-eu")
    tab_to(page, "Manage")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Danger zone")).to_be_visible()
    tab_to(page, "Restart")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Restart paid-eu?")).to_be_visible()
    tab_to(page, "Restart the cluster")
    page.keyboard.press("Enter")
    expect(page.locator("#phase")).to_have_text("Healthy")
    expect(page.locator("#live")).not_to_contain_text("(running)")
    tab_to(page, "Billing")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Billing")


def test_the_focus_stays_where_it_is_when_costs_arrive(open_page: Callable[..., Page], demo: Demo) -> None:
    page = open_page(storage_state=demo.session)
    cluster = page.get_by_role("link", name="paid-eu", exact=True)

    def focus_first(costs: Route) -> None:
        cluster.focus()
        costs.continue_()

    page.route("**/clusters?*costs=1", focus_first)
    page.goto("/clusters")
    expect(page.locator("#clusters td.number").first).to_contain_text("$")
    expect(cluster).to_be_focused()


def make_owner(cloud: RunningCloud, *, email: str, password: str, account: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "create_account", email, "--name", account],
        cwd=PROJECT_DIR,
        env=cloud.environment | {"CLOUDCONSOLE_OWNER_PASSWORD": password},
        check=True,
    )


def test_the_account_is_switched_by_keyboard(open_page: Callable[..., Page], demo: Demo, cloud: RunningCloud) -> None:
    password = "seven lanterns over the harbour"
    for name in ("host", "guest"):
        make_owner(cloud, email=f"{name}@switch.example", password=password, account=f"Account of the {name}")
    host, guest = open_page(), open_page()
    for page, name in ((host, "host"), (guest, "guest")):
        page.goto("/access")
        page.get_by_label("Email").fill(f"{name}@switch.example")
        page.get_by_label("Password").fill(password)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Add a member").wait_for()
    host.get_by_label("Email").fill("guest@switch.example")
    host.get_by_role("button", name="Add").click()
    expect(host.get_by_text("guest@switch.example is a member now.")).to_be_visible()
    guest.reload()
    switch = guest.locator("#account-switch")
    expect(switch).to_contain_text("Account of the guest")
    switch.focus()
    guest.keyboard.press("Enter")
    expect(guest.get_by_role("form", name="Accounts")).to_be_visible()
    assert violations(guest) == []
    guest.keyboard.press("Escape")
    expect(guest.locator("#accounts")).to_be_hidden()
    expect(switch).to_be_focused()
    guest.keyboard.press("Enter")
    while "host" not in focused(guest):
        guest.keyboard.press("Tab")
        assert guest.locator("#accounts :focus").count(), "the list of accounts follows its button"
    guest.keyboard.press("Enter")
    expect(switch).to_contain_text("Account of the host")


def test_signing_in_again_brings_one_back(open_page: Callable[..., Page], demo: Demo) -> None:
    page = open_page(storage_state=demo.session)
    page.goto("/settings")  # asks for nothing more: what is signed out in the middle of it goes to sign in by itself
    page.context.clear_cookies(name="sessionid")
    page.goto("/billing/budgets")
    page.get_by_label("Email").fill(demo.email)
    page.get_by_label("Password").fill(demo.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/billing/budgets")
