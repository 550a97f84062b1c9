"""``manage.py signing_secret``: the secret with which tokens for a cluster's data plane are signed."""

import argparse
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from clusters.database_keys import signing_secret
from clusters.models import Cluster


class Command(BaseCommand):
    help = "Print the secret (HS256) that signs a cluster's tokens. Whoever has it can give access to all its data."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("cluster", type=UUID, help="the cluster's id; tokens name it in their header, as kid")

    def handle(self, *args: Any, **options: Any) -> None:
        if not Cluster.objects.filter(pk=options["cluster"]).exists():
            raise CommandError(f"There is no cluster {options['cluster']}.")
        self.stdout.write(signing_secret(options["cluster"]))
