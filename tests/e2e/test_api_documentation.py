"""The page that shows the admin API, under the console's content security policy."""

from playwright.sync_api import Page, expect


def test_an_operation_can_be_read_and_tried_with_the_consoles_session(page: Page) -> None:
    page.goto("/api/docs")
    expect(page.get_by_role("heading", name="cloudconsole admin API")).to_be_visible()
    page.get_by_role("link", name="AccountService").click()
    operation = page.locator(".opblock", has_text="The accounts that the caller may act in")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response").first
    expect(answer).to_contain_text("200")
    expect(answer).to_contain_text('"name": "Demo"')
