"""``manage.py models list|pull|verify|remove``: the weights on this machine. Needs no database."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from inference.catalogue import CATALOGUE, ModelSpec, resolve
from inference.worker import families
from inference.worker.weights import WeightStore, WeightsUnavailable


class Command(BaseCommand):
    help = "List, fetch and check the weights of the models this machine can run."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="show which weights are here")
        for action, help_text in (
            ("pull", "fetch weights (default: the models every worker loads at its start)"),
            ("verify", "compare the cached files with the hashes taken when they were fetched (default: all)"),
            ("remove", "delete fetched weights; folders of your own are never touched"),
        ):
            names = "+" if action == "remove" else "*"
            actions.add_parser(action, help=help_text).add_argument("names", nargs=names, metavar="model")

    def handle(self, *args: Any, action: str, names: tuple[str, ...] = (), **options: Any) -> None:
        self.store = WeightStore(
            settings.INFERENCE_CACHE_DIR, settings.INFERENCE_MODELS_DIR, offline=settings.INFERENCE_OFFLINE
        )
        specs = [_with_files(name) for name in names]
        if action == "list":
            self._list()
        elif action == "pull":
            self._pull(specs or [spec for spec in _all_with_files() if spec.preload])
        elif action == "remove":
            self._remove(specs)
        else:
            cached = [spec for spec in _all_with_files() if (self.store.cache_dir / spec.name).is_dir()]
            self._verify(specs or cached)

    def _list(self) -> None:
        for spec in CATALOGUE.values():
            if not spec.is_external:
                self.stdout.write(f"{spec.name:42} {self._whereabouts(spec)}")

    def _whereabouts(self, spec: ModelSpec) -> str:
        if families.needs_no_files(spec):
            return "needs no weights"
        try:
            if found := self.store.find(spec):
                return str(found)
            fetching, progress = self.store.fetching(spec)
            if fetching:
                return "being fetched" if progress is None else f"being fetched: {progress:.0%}"
            return "not here"
        except WeightsUnavailable as reason:
            return str(reason)

    def _pull(self, specs: list[ModelSpec]) -> None:
        failures = []
        for spec in specs:
            try:
                folder = self.store.fetch(spec, self._progress_of(spec))
            except WeightsUnavailable as reason:
                failures.append(f"{spec.name}: {reason}")
            else:
                self.stdout.write(f"{spec.name}: {folder}")
        if failures:
            raise CommandError("\n".join(failures))

    def _progress_of(self, spec: ModelSpec) -> Any:
        shown = -1

        def show(progress: float | None) -> None:
            nonlocal shown
            tenth = int(10 * (progress or 0))
            if tenth > shown:
                shown = tenth
                self.stderr.write(f"{spec.name}: {10 * tenth} %" if progress is not None else f"{spec.name}: …")

        return show

    def _remove(self, specs: list[ModelSpec]) -> None:
        for spec in specs:
            try:
                there = self.store.remove(spec)
            except WeightsUnavailable as reason:
                raise CommandError(str(reason)) from reason
            self.stdout.write(f"{spec.name}: {'removed' if there else 'was not here'}")
        self.stdout.write("A running worker keeps what it has loaded until it needs the room or restarts.")

    def _verify(self, specs: list[ModelSpec]) -> None:
        own = {spec.name: folder for spec in specs if (folder := self.store.own_folder(spec)) is not None}
        fetched = [spec for spec in specs if spec.name not in own]
        problems = [f"{spec.name}: {problem}" for spec in fetched for problem in self.store.verify(spec)]
        if problems:
            raise CommandError(
                "\n".join(problems) + "\nRun `manage.py models remove` with the model's name, and pull it again."
            )
        for spec in specs:
            folder = own.get(spec.name)
            self.stdout.write(f"{spec.name}: {f'files of your own in {folder}' if folder else 'as fetched'}")


def _all_with_files() -> list[ModelSpec]:
    hosted = [spec for spec in CATALOGUE.values() if not spec.is_external]
    return [spec for spec in hosted if not families.needs_no_files(spec)]


def _with_files(name: str) -> ModelSpec:
    spec = resolve(name)
    if spec not in _all_with_files():
        known = ", ".join(spec.name for spec in _all_with_files())
        raise CommandError(f"{name} is not a model with weights; those are {known}.")
    assert spec is not None
    return spec
