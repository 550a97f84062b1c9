"""The local authority and its certificate: made once, kept while they serve, renewed before they end."""

import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import DNSName, PolicyBuilder, Store, VerificationError

from cloudconsole import tls
from cloudconsole.paths import PROJECT_DIR
from cloudconsole.tls import ensure_certificate


def verify(files: tls.CertificateFiles, name: str) -> None:
    """What a client does: is the certificate for this name, and signed by the authority?"""
    assert files.authority
    store = Store([x509.load_pem_x509_certificate(files.authority.read_bytes())])
    verifier = PolicyBuilder().store(store).build_server_verifier(DNSName(name))
    verifier.verify(x509.load_pem_x509_certificate(files.certificate.read_bytes()), [])


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_a_certificate_is_for_its_names_and_no_others(tmp_path: Path):
    files = ensure_certificate(tmp_path, ["localhost", "*.us-east-1.aws.localhost", "127.0.0.1", "::1"])
    verify(files, "localhost")
    verify(files, "1234.us-east-1.aws.localhost")
    with pytest.raises(VerificationError):
        verify(files, "example.com")
    for key in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / key).stat().st_mode) == 0o600


def test_repeating_changes_nothing_and_a_new_name_keeps_the_old_ones_and_the_authority(tmp_path: Path):
    ensure_certificate(tmp_path, ["localhost"])
    first = contents(tmp_path)
    ensure_certificate(tmp_path, ["LOCALHOST"])
    assert contents(tmp_path) == first
    files = ensure_certificate(tmp_path, ["cloud.example"])
    verify(files, "localhost")
    verify(files, "cloud.example")
    assert contents(tmp_path)["ca.crt"] == first["ca.crt"]
    assert contents(tmp_path)["server.crt"] != first["server.crt"]


def test_what_is_about_to_end_or_broken_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(tls, "CERTIFICATE_LIFETIME", timedelta(days=29))
        ensure_certificate(tmp_path, ["localhost"])
    old = contents(tmp_path)
    files = ensure_certificate(tmp_path, ["localhost"])
    assert contents(tmp_path)["server.crt"] != old["server.crt"]
    for name in ("server.key", "ca.key"):
        (tmp_path / name).write_bytes(old["lock"] + b"not a key")
        files = ensure_certificate(tmp_path, ["localhost"])
        verify(files, "localhost")


def test_a_certificate_of_another_authority_is_replaced(tmp_path: Path):
    ensure_certificate(tmp_path, ["localhost"])
    for file in ("ca.crt", "ca.key"):
        (tmp_path / file).unlink()
    verify(ensure_certificate(tmp_path, ["localhost"]), "localhost")


def test_processes_that_start_together_agree_on_one_authority(tmp_path: Path):
    code = "import sys; from pathlib import Path; from cloudconsole.tls import ensure_certificate as e; "
    code += "e(Path(sys.argv[1]), ['localhost'])"
    started = [subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=PROJECT_DIR) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    verify(ensure_certificate(tmp_path, ["localhost"]), "localhost")
