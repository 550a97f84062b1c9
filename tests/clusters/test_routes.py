"""Paths mean what is written in their segments: literals first, names decoded, and none of them empty."""

import pytest

from clusters.routes import Routes


@pytest.fixture
def routes() -> Routes[str]:
    found: Routes[str] = Routes()
    found.add("GET", "/c/{name}", "one")
    found.add("PUT", "/c/{name}/points", "upsert")
    found.add("GET", "/c/{name}/points/{id}", "point")
    found.add("POST", "/c/{name}/points/query", "query")
    found.add("POST", "/c/aliases", "aliases")
    return found


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", b"/c/a", ("one", {"name": "a"})),
        ("GET", b"/c/a%2Fb%25", ("one", {"name": "a/b%"})),
        ("GET", "/c/ü".encode(), ("one", {"name": "ü"})),
        ("POST", b"/c/aliases", ("aliases", {})),
        ("POST", b"/c/aliases/points/query", ("query", {"name": "aliases"})),
        ("GET", b"/c/aliases", ("one", {"name": "aliases"})),
        ("GET", b"/c/a/points/query", ("point", {"name": "a", "id": "query"})),
        ("POST", b"/%63/a/points/qu%65ry", ("query", {"name": "a"})),
    ],
)
def test_a_path_leads_to_its_target(
    routes: Routes[str], method: str, path: bytes, expected: tuple[str, dict[str, str]]
):
    assert routes.find(method, path) == expected


@pytest.mark.parametrize(
    "path",
    [b"", b"/", b"/c", b"/c/", b"/c//points/1", b"//c/a", b"/c/a/points", b"/c/a/points/1/", b"/c/%ff", b"/c/\xff"],
)
def test_other_paths_lead_nowhere(routes: Routes[str], path: bytes):
    assert routes.find("GET", path) is None
