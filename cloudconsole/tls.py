"""Certificates for a cloud that has none yet: a local authority, and a certificate of it for the names in use."""

import fcntl
import ipaddress
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings

AUTHORITY_LIFETIME = timedelta(days=3650)
# Apple's clients refuse leaf certificates that are valid for longer than 825 days.
CERTIFICATE_LIFETIME = timedelta(days=397)
RENEW_BEFORE_END = timedelta(days=30)
_CLOCK_SKEW = timedelta(hours=1)


@dataclass(frozen=True)
class CertificateFiles:
    """PEM files. ``authority`` is what clients are to trust; None for a certificate of the operator's own."""

    certificate: Path
    key: Path
    authority: Path | None


@dataclass(frozen=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def server_certificate() -> CertificateFiles:
    """The certificate named by ``TLS_CERT_FILE`` and ``TLS_KEY_FILE``, else a local one, made if it is missing."""
    if settings.TLS_CERT_FILE:
        return CertificateFiles(Path(settings.TLS_CERT_FILE), Path(settings.TLS_KEY_FILE), None)
    return ensure_certificate(settings.TLS_DIR, own_names())


def own_names() -> list[str]:
    """The host names and addresses at which people reach this machine's console and gateway."""
    wildcard_addresses = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not listened on
    names = ["localhost", "127.0.0.1", "::1", settings.PUBLIC_HOST, settings.BIND]
    return list(dict.fromkeys(name for name in names if name not in wildcard_addresses))


def ensure_certificate(folder: Path, names: Iterable[str]) -> CertificateFiles:
    """A certificate for ``names`` (host names, ``*.`` wildcards, IP addresses) and the authority that signed it.

    Repeating the call changes nothing until a name is missing or the certificate ends within 30 days; names that
    it had before stay. Safe to call from several processes at once.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = CertificateFiles(folder / "server.crt", folder / "server.key", folder / "ca.crt")
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        authority = _load(folder / "ca.crt", folder / "ca.key")
        if authority is None:
            authority = _new_authority()
            _write(authority, folder / "ca.crt", folder / "ca.key")
        served = _load(files.certificate, files.key)
        known = _names_of(served) if served and _signed_by(served, authority) else set()
        wanted = known | {name.lower() for name in names}
        if wanted != known:
            _write(_new_certificate(authority, sorted(wanted)), files.certificate, files.key)
    return files


def certificate_end(files: CertificateFiles) -> datetime:
    """When the certificate stops being valid (UTC)."""
    return x509.load_pem_x509_certificate(files.certificate.read_bytes()).not_valid_after_utc


def _load(certificate_file: Path, key_file: Path) -> _Pair | None:
    """None for a pair that is missing, broken, or about to end."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        fresh = certificate.not_valid_after_utc - RENEW_BEFORE_END > datetime.now(UTC)
        if fresh and isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key():
            return _Pair(certificate, key)
    return None


def _signed_by(pair: _Pair, authority: _Pair) -> bool:
    try:
        pair.certificate.verify_directly_issued_by(authority.certificate)
    except Exception:  # every way in which it is not: another name, another key, another algorithm
        return False
    return True


def _names_of(pair: _Pair) -> set[str]:
    names = pair.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def _new_authority() -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cloudconsole local authority")])
    builder = _builder(name, name, key.public_key(), AUTHORITY_LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return _Pair(builder.add_extension(identifier, critical=False).sign(key, hashes.SHA256()), key)


def _new_certificate(authority: _Pair, names: list[str]) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cloudconsole")])
    builder = _builder(subject, authority.certificate.subject, key.public_key(), CERTIFICATE_LIFETIME)
    alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    for extension, critical in (
        (alternatives, False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage(signs_certificates=False), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (issuer, False),
    ):
        builder = builder.add_extension(extension, critical=critical)
    return _Pair(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + lifetime)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(pair: _Pair, certificate_file: Path, key_file: Path) -> None:
    """The key first: a crash in between leaves a pair that does not fit, which is made anew."""
    key = pair.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _replace(key_file, key, 0o600)
    _replace(certificate_file, pair.certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _replace(file: Path, content: bytes, mode: int) -> None:
    draft = file.with_suffix(f"{file.suffix}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as handle:
        handle.write(content)
    draft.replace(file)
