"""The table of docs/differences.md, and the operations it is held against."""

import json
import re
from pathlib import Path

from tests.clusters.node.running import PROJECT_DIR

ROW = re.compile(r"^\| `([a-z-]+)` \|[^|]+\|[^|]+\|([^|]*)\|$", re.MULTILINE)
TEXT = (PROJECT_DIR / "docs" / "differences.md").read_text()
ROWS = ROW.findall(TEXT)
NOT_SERVED = {operation: row for row, cell in ROWS for operation in re.findall(r"`(\w+)`", cell)}
# Names and paths of the published API description of Qdrant 1.19.
PUBLISHED = json.loads((Path(__file__).parent / "qdrant_operations.json").read_text())
