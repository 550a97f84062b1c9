"""Which processes make up a cloud, in the order in which they start."""

import signal
import sys
from functools import partial

from django.conf import settings

from cloudconsole.paths import PROJECT_DIR
from cloudconsole.supervisor import probes
from cloudconsole.supervisor.child import ChildSpecification
from cloudconsole.supervisor.postgres import EmbeddedPostgres
from cloudconsole.supervisor.redis_server import EmbeddedRedis

PYTHON = sys.executable
MANAGE = str(PROJECT_DIR / "manage.py")
# As root Celery warns about pickled messages; ours are JSON.
CELERY = [PYTHON, "-W", "ignore:You're running the worker", "-m", "celery", "--quiet", "-A", "cloudconsole.celery"]


def servers() -> list[ChildSpecification]:
    """The embedded servers; those that DATABASE_URL and REDIS_URL replace are left out."""
    found = []
    if settings.EMBEDDED_POSTGRES:
        postgres = EmbeddedPostgres(settings.PATHS)
        postgres.prepare()
        found.append(
            ChildSpecification(
                "postgres",
                postgres.command(),
                partial(probes.postgres_ready, postgres),
                user=postgres.user,
                stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            )
        )
    if settings.EMBEDDED_REDIS:
        redis = EmbeddedRedis(settings.REDIS_SOCKET)
        found.append(
            ChildSpecification("redis", redis.command(), partial(probes.redis_ready, redis), prepare=redis.prepare)
        )
    return found


def processes() -> list[ChildSpecification]:
    """The cloud's own processes, which need the servers."""
    console = [
        PYTHON,
        "-m",
        "uvicorn",
        "cloudconsole.asgi:application",
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    address = ["--host", settings.BIND, "--port", str(settings.CONSOLE_PORT), "--lifespan", "off"]
    beat_schedule = ["--schedule", str(settings.PATHS.run / "beat-schedule"), "--pidfile="]
    return [
        ChildSpecification("node agent", [PYTHON, MANAGE, "node_agent"], probes.node_agent_ready),
        ChildSpecification("inference", [PYTHON, MANAGE, "inference_worker"], probes.inference_worker_ready),
        ChildSpecification("gateway", [PYTHON, MANAGE, "gateway"], probes.gateway_ready),
        ChildSpecification("console", console + address, probes.console_ready),
        ChildSpecification("admin api", [PYTHON, MANAGE, "admin_api"], probes.admin_api_ready),
        ChildSpecification(
            "task worker",
            [*CELERY, "worker", "--pool", "threads", "--concurrency", "4", "--loglevel", "WARNING"],
            probes.always_ready,  # it shows by its work: clusters become healthy
        ),
        ChildSpecification("beat", [*CELERY, "beat", "--loglevel", "WARNING", *beat_schedule], probes.always_ready),
    ]
