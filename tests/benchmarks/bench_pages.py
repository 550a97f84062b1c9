"""How fast pages are: ``make bench-pages``. Wants the machine for itself; the numbers go to ``cloudconsole/README.md``.

One account with ``BENCH_CLUSTERS`` clusters and ``BENCH_EVENTS`` usage events, spread over the last twelve months. Each
page is asked for again and again of a console of its own, the way people run it: the time is from the request to the
last byte, on one connection over loopback. Chromium then says when it painted the first content.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.utils import timezone
from playwright.sync_api import sync_playwright

from billing.month_tally import month_tally
from billing.partitions import make_partitions
from billing.rollups import update_rollups
from billing.rules import Month
from cloudconsole import settings as product
from cloudconsole.accounts.models import Account, Membership
from cloudconsole.paths import PROJECT_DIR
from clusters.models import Cluster
from inference.catalogue import CATALOGUE
from tests.benchmarks.bench_scale import add_account
from tests.e2e.conftest import QUIET, find_chromium
from tests.pages import PAGES
from tests.running_cloud import free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1_200)]

EVENTS, CLUSTERS = int(os.environ.get("BENCH_EVENTS", "100000")), int(os.environ.get("BENCH_CLUSTERS", "1000"))
MONTHS, REPEATS = 12, int(os.environ.get("BENCH_REPEATS", "40"))
MODELS = ["sentence-transformers/all-minilm-l6-v2", "mixedbread-ai/mxbai-embed-large-v1", "qdrant/bm25"]
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
PASSWORD = "correct horse battery"
MOST_MILLISECONDS, MOST_UNTIL_CONTENT = 50, 100
_PLAIN = "two words of plain text"  # what Chromium itself takes


def report(text: str) -> None:
    print(f"\n{text}", flush=True)


def fill(account: Account) -> None:
    """The events, in hours that come and go as people work, each cluster with a key of its own."""
    clusters = list(Cluster.objects.filter(account=account).order_by("pk").values_list("pk", flat=True))
    models = [CATALOGUE[name].id for name in MODELS]
    end = timezone.now()
    start = end - timedelta(days=365)
    month, months = Month.of(start), []
    while month <= Month.of(end):
        months.append(month)
        month = month.following
    make_partitions(months)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO clusters_databaseapikey (id, cluster_id, name, prefix, postfix, secret_hash, access,
                access_given, created_by_email, created_at)
            SELECT id, id, 'backend', 'ccd_', '', id::text, '"m"', true, '', created_at FROM clusters_cluster
            WHERE account_id = %s""",
            [account.pk],
        )
        cursor.execute(
            """INSERT INTO billing_usageevent (id, request_id, account_id, cluster_id, model_id, api_key_id, kind,
                tokens, inputs, hours, occurred_at, recorded_at)
            SELECT overlay(overlay(gen_random_uuid()::text PLACING substr(billing_first_id(moment)::text, 1, 13)
                    FROM 1 FOR 13) PLACING '7' FROM 15 FOR 1)::uuid,
                gen_random_uuid(), %(account)s, cluster, model, cluster, 'update', 1000 + n %% 5000, 1 + n %% 50, 0,
                moment, moment
            FROM (
                SELECT n, (%(clusters)s::uuid[])[1 + (hashint4(n) & 2147483647) %% %(count)s] AS cluster,
                    (%(models)s::uuid[])[1 + n %% 3] AS model,
                    %(start)s::timestamptz + n * (%(end)s::timestamptz - %(start)s::timestamptz) / %(events)s AS moment
                FROM generate_series(0, %(events)s - 1) AS n
            ) AS events""",
            {
                "account": account.pk,
                "clusters": clusters,
                "count": len(clusters),
                "models": models,
                "start": start,
                "end": end,
                "events": EVENTS,
            },
        )
    update_rollups()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def keep_tallies(account: Account) -> None:
    """What tasks do every minute and when they close a month: nobody has to look first."""
    for month in (Month.of(timezone.now()), Month.parse(PAGES["earlier bill"].rpartition("=")[2])):
        month_tally(account, month)


@contextmanager
def running_console() -> Iterator[str]:
    """The console as the supervisor starts it, on the test's database; gives its address."""
    parameters = connection.get_connection_params()
    url = f"postgres://{parameters['user']}@{quote(parameters['host'], safe='')}/{parameters['dbname']}"
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "cloudconsole.asgi:application", "--port", str(port), "--no-access-log"]
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "cloudconsole.settings"}
    address = f"http://localhost:{port}"
    console = subprocess.Popen(command, cwd=PROJECT_DIR, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(address), seconds=60, what="the console answers")
        yield address
    finally:
        console.terminate()
        console.wait(timeout=30)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def sign_in(browser: httpx.Client, email: str) -> None:
    browser.get("/sign-in")
    form = {"username": email, "password": PASSWORD, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    assert browser.post("/sign-in", data=form).status_code == 302


def times(browser: httpx.Client, path: str) -> list[float]:
    """Milliseconds of each request, sorted. The first does not count: it waits for imports, and for what is kept."""
    found = []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        answer = browser.get(path)
        found.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, path
        if sum(found) > 20_000:
            break
    return sorted(found[1:] or found)


def first_content(address: str, cookies: httpx.Cookies, paths: dict[str, str]) -> dict[str, float]:
    """Milliseconds from the start of the navigation to the first content painted, median of five."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        context = chromium.new_context(base_url=address)
        context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies.items()])
        page, found = context.new_page(), {}
        for name, path in paths.items():
            painted = []
            for _ in range(5):
                page.wait_for_load_state("networkidle")  # somebody has looked at the page before
                page.goto(path)
                painted.append(wait_until(lambda: page.evaluate(FIRST_PAINT), seconds=20, what=f"{name} is painted"))
            found[name] = statistics.median(painted)
        chromium.close()
    return found


def test_pages(settings: object) -> None:
    # The console's, or it would make nothing of the tallies that are kept here.
    settings.BILLING_FREE_TEXT_TOKENS = product.BILLING_FREE_TEXT_TOKENS
    settings.BILLING_FREE_IMAGE_TOKENS = product.BILLING_FREE_IMAGE_TOKENS
    account = add_account(0, clusters=CLUSTERS)
    user = get_user_model()(email="owner@bench.example")
    user.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt")
    user.save()
    Membership.objects.create(account=account, user=user, role=Membership.Role.OWNER)
    began = time.perf_counter()
    fill(account)
    cluster = Cluster.objects.filter(account=account).order_by("pk").first()
    assert cluster
    report(f"{EVENTS:,} events of {CLUSTERS:,} clusters made in {time.perf_counter() - began:.0f} s")
    began = time.perf_counter()
    keep_tallies(account)
    report(f"two of their months rated in {time.perf_counter() - began:.0f} s")
    paths = {name: path.format(id=cluster.pk) for name, path in PAGES.items()}
    lines, slow = [], {}
    with running_console() as address, httpx.Client(base_url=address, timeout=240) as browser:
        sign_in(browser, user.email)
        quick = {name: path for name, path in paths.items() if not _is_slow(browser, path)}
        painted = first_content(address, browser.cookies, {_PLAIN: "/healthz", **quick})
        lines.append(f"| {_PLAIN} | | | {painted[_PLAIN]:.0f} |")
        for name, path in paths.items():
            took = times(browser, path)
            p95 = took[int(len(took) * 0.95) - 1 if len(took) > 1 else 0]
            content = painted.get(name)
            lines.append(f"| {name} | {statistics.median(took):.1f} | {p95:.1f} | {content or 0:.0f} |")
            if p95 >= MOST_MILLISECONDS or content is None or content >= MOST_UNTIL_CONTENT:
                slow[name] = (p95, content)
    report("\n".join(["| page | p50 ms | p95 ms | first content ms |", "|---|---|---|---|", *lines]))
    assert not slow


def _is_slow(browser: httpx.Client, path: str) -> bool:
    """Whether it is not worth opening five times."""
    began = time.perf_counter()
    browser.get(path)
    return time.perf_counter() - began > 2
