"""``manage.py tls``: a certificate for this cloud's host names, signed by an authority of its own."""

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cloudconsole.tls import certificate_end, ensure_certificate, own_names
from clusters.endpoints import endpoint_host_patterns


class Command(BaseCommand):
    help = "Make or renew a local certificate authority and a certificate for the host names in use."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help="more host names or addresses to certify")

    def handle(self, *args: Any, **options: Any) -> None:
        names = [*own_names(), *endpoint_host_patterns(), *options["names"]]
        files = ensure_certificate(settings.TLS_DIR, names)
        self.stdout.write(f"# valid until {certificate_end(files):%Y-%m-%d}; repeat this command to renew it")
        self.stdout.write(f"# clients are to trust {files.authority}")
        self.stdout.write(f"export TLS_CERT_FILE={files.certificate} TLS_KEY_FILE={files.key}")
