"""``manage.py status``: what runs, and how to reach it."""

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cloudconsole.supervisor.status import CloudStatus, read_status


class Command(BaseCommand):
    help = "Tell whether the cloud is ready, and its addresses, login and keys."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--format", choices=["text", "json", "env"], default="text")
        parser.add_argument("--json", action="store_const", const="json", dest="format", help="same as --format json")

    def handle(self, *args: Any, **options: Any) -> None:
        status = read_status()
        if options["format"] == "json":
            self.stdout.write(json.dumps(status, indent=2))
        elif options["format"] == "env":
            self.stdout.write("\n".join(f"{k}={shlex.quote(v)}" for k, v in _environment(status)))
        else:
            self.stdout.write("\n".join(_lines(status)))


def _environment(status: CloudStatus) -> Iterator[tuple[str, str]]:
    yield "CLOUDCONSOLE_READY", "1" if status["ready"] else "0"
    yield "CLOUDCONSOLE_URL", status["urls"]["console"]
    yield "CLOUDCONSOLE_REST_URL", status["urls"]["rest"]
    yield "CLOUDCONSOLE_API_GRPC", status["urls"]["api_grpc"]
    yield "CLOUDCONSOLE_CA", str(settings.TLS_DIR / "ca.crt")
    if status["demo"]:
        yield "CLOUDCONSOLE_ACCOUNT_ID", str(status["account_id"])
        yield "CLOUDCONSOLE_EMAIL", status["demo"]["email"]
        yield "CLOUDCONSOLE_PASSWORD", status["demo"]["password"]
        yield "CLOUDCONSOLE_MANAGEMENT_KEY", status["demo"]["management_key"]
    for cluster in status["clusters"]:
        if cluster["api_key"]:
            prefix = re.sub(r"\W", "_", cluster["name"]).upper()
            yield f"{prefix}_CLUSTER_ID", cluster["id"]
            yield f"{prefix}_API_KEY", cluster["api_key"]


def _lines(status: CloudStatus) -> Iterator[str]:
    yield "ready" if status["ready"] else "not ready"
    yield from (f"  {name:<12} {'ready' if ready else 'not ready'}" for name, ready in status["components"].items())
    yield from (f"{name:<14} {url}" for name, url in status["urls"].items())
    if status["demo"]:
        yield f"{'account':<14} {status['account_id']}"
        yield from (f"{name:<14} {value}" for name, value in status["demo"].items())
    for cluster in status["clusters"]:
        inference = "inference on" if cluster["inference"]["applied"] else "inference off"
        facts = ", ".join([cluster["phase"], cluster["region"], cluster["package"], inference])
        yield f"{cluster['name']:<14} {facts}"
        yield f"{'':<14} {cluster['id']}  {cluster['api_key'] or ''}"
