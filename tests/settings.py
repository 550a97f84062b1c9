"""Settings of a test run: the product's own, in a data folder of its own that the run removes."""

import atexit
import os
import shutil
import tempfile

from cloudconsole.paths import PROJECT_DIR

# Processes that tests start inherit the folder, so that they and the tests mean the same cloud.
os.environ["CLOUDCONSOLE_DATA_DIR"] = tempfile.mkdtemp(prefix="cloudconsole-test-")
atexit.register(shutil.rmtree, os.environ["CLOUDCONSOLE_DATA_DIR"], ignore_errors=True)
# Without bytecode each of them would compile all sources again, which is a third of what it takes to start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# A Qdrant server for the tests of shared servers (tests/gateway/shared); the product itself must not find it here.
REAL_SERVER = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("QDRANT_")}
# Weights are large and never change: fetched once, shared with `make run`.
os.environ.setdefault("INFERENCE_CACHE_DIR", str(PROJECT_DIR / ".cloud" / "models"))

from cloudconsole.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# What usage costs is told in tests without the free allowance; those of the allowance set it.
BILLING_FREE_TEXT_TOKENS = BILLING_FREE_IMAGE_TOKENS = 0
