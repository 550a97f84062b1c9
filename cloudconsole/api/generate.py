"""Generate ``cloudconsole/api/gen`` from the ``.proto`` files: ``python -m cloudconsole.api.generate [--check]``.

The protos name their files as the cloud's own do, so their imports would be found only with ``gen`` on ``sys.path``.
The generated imports are therefore rewritten to full package paths.
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

PROTOS = Path(__file__).with_name("protos")
GENERATED = Path(__file__).with_name("gen")
COMMENTS = GENERATED / "comments.json"
PACKAGE = "cloudconsole.api.gen"


def generate(into: Path) -> None:
    """Write modules, type stubs and comments of all protos into an empty folder. Needs grpcio-tools."""
    from google.api import annotations_pb2
    from google.protobuf.descriptor_pb2 import FileDescriptorSet
    from grpc_tools import protoc

    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    includes = [PROTOS, files("grpc_tools") / "_proto", Path(annotations_pb2.__file__).parents[2]]
    arguments = ["protoc", *(f"--proto_path={path}" for path in includes)]
    described = into / "descriptors"
    outputs = [f"--python_out={into}", f"--pyi_out={into}", f"--descriptor_set_out={described}"]
    if protoc.main([*arguments, "--include_source_info", *outputs, *sources]):
        raise SystemExit("protoc refused the .proto files; see above.")
    comments = _comments(FileDescriptorSet.FromString(described.read_bytes()))
    (into / COMMENTS.name).write_text(json.dumps(comments, indent=1, sort_keys=True) + "\n")
    described.unlink()
    own_packages = "|".join(sorted(path.name for path in PROTOS.iterdir()))
    own_import = re.compile(rf"^from ((?:{own_packages})(?:\.\w+)*) import ", re.MULTILINE)
    for path in [*into.rglob("*.py"), *into.rglob("*.pyi")]:
        path.write_text(own_import.sub(rf"from {PACKAGE}.\1 import ", path.read_text()))
    for folder in [into, *(path for path in into.rglob("*") if path.is_dir())]:
        (folder / "__init__.py").touch()


def _comments(files: "FileDescriptorSet") -> dict[str, str]:
    """What stands above every service, method, message and field in the protos, by full name: modules lose it."""
    found = {}
    for file in files.file:
        for location in file.source_code_info.location:
            if text := " ".join(location.leading_comments.split()):
                found[f"{file.package}.{_name_at(file, list(location.path))}"] = text
    return found


def _name_at(descriptor: Any, path: list[int]) -> str:
    """The dotted name of what a path of field numbers and indexes in a descriptor leads to."""
    names = []
    for number, index in zip(path[::2], path[1::2], strict=False):
        field = descriptor.DESCRIPTOR.fields_by_number[number]
        descriptor = getattr(descriptor, field.name)[index]
        names.append(descriptor.name)
    return ".".join(names)


def _contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.suffix in (".py", ".pyi", ".json")
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Generate the API's message classes from its .proto files.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the generated code is stale")
    check: bool = parser.parse_args().check
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary)
        generate(fresh)
        if _contents(fresh) == _contents(GENERATED):
            return 0
        if check:
            print("The generated API code is stale. Run: python -m cloudconsole.api.generate", file=sys.stderr)
            return 1
        shutil.rmtree(GENERATED, ignore_errors=True)
        shutil.copytree(fresh, GENERATED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
