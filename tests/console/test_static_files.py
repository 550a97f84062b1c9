"""Styles and scripts: whole answers, which an event loop need not read in a thread, and kept by browsers."""

from pathlib import Path

from django.http import HttpResponse
from django.test import Client, RequestFactory

from cloudconsole.web.static_files import StaticFiles
from tests.console.html import parse

ADDRESS = "/static/css/base.css"


def test_a_file_is_answered_in_one_piece(client: Client, settings) -> None:
    answer = client.get(ADDRESS)
    assert not answer.streaming
    assert answer.content == (settings.BASE_DIR / "static/css/base.css").read_bytes()
    assert answer.headers["Content-Type"].startswith("text/css")
    assert answer.headers["Content-Length"] == str(len(answer.content))


def test_a_browser_that_has_it_gets_nothing(client: Client) -> None:
    last_modified = client.get(ADDRESS).headers["Last-Modified"]
    answer = client.get(ADDRESS, headers={"If-Modified-Since": last_modified})
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_part_and_the_head_alone(client: Client) -> None:
    whole = client.get(ADDRESS).content
    part = client.get(ADDRESS, headers={"Range": "bytes=2-9"})
    assert (part.status_code, part.content) == (206, whole[2:10])
    head = client.head(ADDRESS)
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(whole)))


def test_the_address_in_a_page_names_the_content_and_is_kept_for_ever(client: Client) -> None:
    (address,) = {
        link.attributes["href"]
        for link in parse(client.get("/sign-in")).all("link")
        if link.attributes["href"].startswith(ADDRESS)
    }
    assert "immutable" in client.get(address).headers["Cache-Control"]
    for other in (ADDRESS, f"{ADDRESS}?v=another"):
        assert client.get(other).headers["Cache-Control"] == "max-age=60, public"


def test_a_file_that_was_edited_meanwhile_is_whole(tmp_path: Path, rf: RequestFactory) -> None:
    style = tmp_path / "style.css"
    style.write_text("a {}")
    served = StaticFiles(lambda request: HttpResponse())
    served.add_file_to_dictionary("/static/style.css", str(style))
    style.write_text("a { color: red }")
    answer = served(rf.get("/static/style.css"))
    assert (answer.content, answer.headers["Content-Length"]) == (b"a { color: red }", "16")
