"""Snapshots: taken, listed, downloaded, deleted, and put back by upload."""

import hashlib
import io
import tarfile
import uuid
from pathlib import Path

import httpx
import pytest
from qdrant_client import QdrantClient

from tests.clusters.node.running import RunningNode


@pytest.fixture
def path(node: RunningNode) -> str:
    """A collection with an index, metadata and three points."""
    path = f"/collections/{uuid.uuid4()}"
    node.ok("PUT", path, {"vectors": {"size": 2, "distance": "Dot"}, "metadata": {"owner": "Ada"}})
    node.ok("PUT", f"{path}/index?wait=true", {"field_name": "n", "field_schema": "integer"})
    store(node, path, 1, 2, 3)
    return path


HEAD = b'{"configuration": {"vectors": {"size": 2, "distance": "Dot"}}, "files": %s}'


def store(node: RunningNode, path: str, *ids: int) -> None:
    points = [{"id": id, "vector": [id, 1], "payload": {"n": id}} for id in ids]
    node.ok("PUT", f"{path}/points?wait=true", {"points": points})


def count(node: RunningNode, path: str) -> int:
    return node.ok("POST", f"{path}/points/count", {})["count"]


def download(node: RunningNode, path: str, name: str) -> bytes:
    answer = node.request("GET", f"{path}/snapshots/{name}")
    assert answer.status_code == 200
    return answer.content


def upload(node: RunningNode, path: str, content: bytes, **query: str) -> httpx.Response:
    return node.http.post(f"{path}/snapshots/upload", params=query, files={"snapshot": ("a.snapshot", content)})


def test_a_snapshot_is_listed_downloaded_and_deleted(client: QdrantClient, node: RunningNode, path: str) -> None:
    name = path.rsplit("/", 1)[1]
    taken = client.create_snapshot(name)
    assert taken is not None
    assert client.list_snapshots(name) == [taken]
    content = download(node, path, taken.name)
    assert (len(content), hashlib.sha256(content).hexdigest()) == (taken.size, taken.checksum)
    assert client.delete_snapshot(name, taken.name) is True
    assert client.list_snapshots(name) == []
    gone = node.request("GET", f"{path}/snapshots/{taken.name}")
    assert (gone.status_code, gone.json()["status"]["error"]) == (404, f"Not found: Snapshot {taken.name} not found")


def test_a_collection_goes_back_to_what_it_was(node: RunningNode, path: str) -> None:
    before = node.ok("GET", path)
    taken = node.ok("POST", f"{path}/snapshots")
    content = download(node, path, taken["name"])
    store(node, path, 4)
    node.ok("POST", f"{path}/points/delete?wait=true", {"points": [1]})
    assert upload(node, path, content, checksum=taken["checksum"]).json()["result"] is True
    assert count(node, path) == 3
    assert node.ok("GET", f"{path}/points/1") == {"id": 1, "payload": {"n": 1}, "vector": [1, 1]}
    assert node.ok("GET", path) == before
    assert node.ok("GET", f"{path}/snapshots") == [taken], "its snapshots stay with the collection"
    store(node, path, 5)
    assert count(node, path) == 4


def test_a_snapshot_makes_a_new_collection(node: RunningNode, path: str) -> None:
    content = download(node, path, node.ok("POST", f"{path}/snapshots")["name"])
    assert upload(node, f"{path}-copy", content).json()["result"] is True
    assert count(node, f"{path}-copy") == 3
    assert node.ok("GET", f"{path}-copy")["config"]["metadata"] == {"owner": "Ada"}
    assert node.ok("GET", f"{path}-copy/snapshots") == []


def test_what_is_no_snapshot_of_this_collection_changes_nothing(node: RunningNode, path: str) -> None:
    content = download(node, path, node.ok("POST", f"{path}/snapshots")["name"])
    other = f"{path}-other"
    node.ok("PUT", other, {"vectors": {"size": 3, "distance": "Dot"}})
    folders = set((node.data_dir / "collections").iterdir())
    cases = [
        (path, b"", "no whole snapshot"),
        (path, b"x" * 100_000, "no whole snapshot"),
        (path, content[: len(content) // 2], "no whole snapshot"),
        (path, _tar({"config.json": b"{}"}), "no whole snapshot"),
        (path, _tar({"collection.json": b"{"}), "no whole snapshot"),
        (path, _tar({"collection.json": HEAD % b"{}"}), "no whole snapshot"),
        (path, _linked(content), "no whole snapshot"),
        (path, _tar({"collection.json": HEAD % b"{}", "shard/../../outside": b"x"}), "no whole snapshot"),
        (path, _tar({"collection.json": HEAD % b"{}", "shard/a": b"x", "shard/a/b": b"x"}), "no whole snapshot"),
        (path, _damaged(content), "cannot be opened"),
        (other, content, "their vectors differ"),
        (f"{path}-new", b"x", "no whole snapshot"),
    ]
    for target, given, sentence in cases:
        answer = upload(node, target, given)
        assert (answer.status_code, sentence in answer.text) == (400, True), answer.text
    wrong = upload(node, path, content, checksum="0" * 64)
    assert (wrong.status_code, "checksum mismatch" in wrong.text) == (400, True)
    assert (count(node, path), count(node, other)) == (3, 0)
    assert set((node.data_dir / "collections").iterdir()) == folders
    assert list((node.data_dir / "uploads").iterdir()) == []


def _tar(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            head = tarfile.TarInfo(name)
            head.size = len(content)
            archive.addfile(head, io.BytesIO(content))
        for other in others:
            archive.addfile(other)
    return out.getvalue()


def _linked(content: bytes) -> bytes:
    """A snapshot with a link to a file of the machine in its shard."""
    link = tarfile.TarInfo("shard/edge_config.json")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(fileobj=io.BytesIO(content)) as source:
        head = source.extractfile("collection.json")
        assert head is not None
        return _tar({"collection.json": head.read()}, link)


def _damaged(content: bytes) -> bytes:
    """A snapshot of the right files, with nothing but zeros in those that describe the segments."""
    with tarfile.open(fileobj=io.BytesIO(content)) as source:
        files = {member.name: source.extractfile(member) for member in source if member.isfile()}
        contents = {name: file.read() for name, file in files.items() if file is not None}
    return _tar({name: bytes(len(c)) if "segment.json" in name else c for name, c in contents.items()})


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/octet-stream", b"x"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\n"),
        ("multipart/form-data; boundary=b", b"x" * 100_000),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--b--'),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="snapshot"\r\n\r\nx'),
    ],
)
def test_a_body_that_is_no_form_with_a_snapshot_is_refused(
    node: RunningNode, path: str, content_type: str, body: bytes
) -> None:
    url = f"{path}/snapshots/upload"
    answer = node.http.post(url, content=body, headers={"content-type": content_type})
    assert answer.status_code == 400
    assert answer.json()["status"]["error"].startswith("Format error in multipart body: ")


@pytest.mark.parametrize("name", ["..%2F..%2Fcollections.json", "%2Fetc%2Fpasswd", "x.snapshot"])
def test_a_snapshot_name_leads_nowhere_else(node: RunningNode, path: str, name: str) -> None:
    node.ok("POST", f"{path}/snapshots")
    for method in ("GET", "DELETE"):
        assert node.request(method, f"{path}/snapshots/{name}").status_code == 404
    assert (node.data_dir / "collections.json").exists()


def test_snapshots_survive_kill_9_and_go_with_their_collection(tmp_path: Path) -> None:
    node = RunningNode(tmp_path)
    for name in ("c", "d"):
        node.ok("PUT", f"/collections/{name}", {"vectors": {"size": 2, "distance": "Dot"}})
        store(node, f"/collections/{name}", 1, 2)
    taken = node.ok("POST", "/collections/c/snapshots")
    content = download(node, "/collections/c", taken["name"])
    node.ok("POST", "/collections/d/snapshots")
    node.ok("POST", "/collections/c/points/delete?wait=true", {"points": [1]})
    assert upload(node, "/collections/c", content).status_code == 200
    node.ok("DELETE", "/collections/d")
    node.kill()
    (tmp_path / "uploads" / "half").write_bytes(b"x")
    (kept,) = (tmp_path / "snapshots").iterdir()
    (kept / "half.snapshot.new").write_bytes(b"x")
    with RunningNode(tmp_path).stopped_at_end() as again:
        assert count(again, "/collections/c") == 2
        assert again.ok("GET", "/collections/c/snapshots") == [taken]
        assert download(again, "/collections/c", taken["name"]) == content
        assert not (tmp_path / "uploads" / "half").exists()
        assert not (kept / "half.snapshot.new").exists()
