"""``python -m tests.benchmarks.gateway``: engine in process, node directly and through the gateway, side by side.

Prints ratios, which hold on other machines too, beside the numbers of this one. The whole cloud runs meanwhile.
"""

import argparse
import asyncio
import os
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import psutil

from cloudconsole.paths import grpc_socket
from tests.benchmarks.engine import Engine
from tests.benchmarks.load import Measured, Target, measure, measure_alternately
from tests.benchmarks.traffic import (
    COLLECTION,
    CONFIGURATION,
    QUERY,
    Traffic,
    query_bodies,
    upsert_bodies,
    upsert_request,
)
from tests.clusters.node.running import RunningNode
from tests.running_cloud import RunningCloud, start_cloud
from tests.waiting import wait_until

TRANSPORTS = ("rest", "grpc")
FILL_BATCH = 500
REOPENINGS = 3


@dataclass
class Bench:
    """What is measured, and on which cloud."""

    options: argparse.Namespace
    cloud: RunningCloud
    folder: Path

    def __post_init__(self) -> None:
        cluster = self.cloud.cluster("new-us")
        self.cluster_id: str = cluster["id"]
        socket = self.cloud.paths.run / f"n-{self.cluster_id}.sock"
        ports = {transport: self.cloud.environment[f"GATEWAY_{transport.upper()}_PORT"] for transport in TRANSPORTS}
        places = {"rest": str(socket), "grpc": str(grpc_socket(socket))}
        self.node = {t: Target(f"node, {t}", t, places[t]) for t in TRANSPORTS}
        self.gateway = {t: Target(f"gateway, {t}", t, f"127.0.0.1:{ports[t]}", cluster["api_key"]) for t in TRANSPORTS}
        self.targets = [side[t] for t in TRANSPORTS for side in (self.node, self.gateway)]
        self.traffic = Traffic(self.options.size)
        self._http = httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://node", timeout=60)

    def new_collection(self, name: str) -> None:
        self._http.delete(f"/collections/{name}")
        vectors = CONFIGURATION | {"size": self.options.size}
        body = {"vectors": vectors, "optimizers_config": {"indexing_threshold": 0}}  # no index while others are timed
        self._http.put(f"/collections/{name}", json=body).raise_for_status()

    def upserts(self) -> None:
        """Batches of 100 points into a new collection each time, by several numbers of clients."""
        batches = self.traffic.upserts(self.options.upserts, 100)
        in_process = [self._engine_upserts(batches, clients) for clients in self.options.clients]
        rows = [["engine in process", *[f"{rate:7.0f}" for rate in in_process]]]
        for transport in TRANSPORTS:
            bodies = upsert_bodies(batches, transport, "upserts")
            rates: dict[str, list[float]] = {}
            for clients in self.options.clients:
                for target in (self.node[transport], self.gateway[transport]):
                    self.new_collection("upserts")
                    measured = asyncio.run(measure(target, upsert_request("upserts"), bodies, clients, 0))
                    rates.setdefault(target.name, []).append(measured.rate * 100)
            direct, through = rates.values()
            rows += [[name, *[f"{rate:7.0f}" for rate in found]] for name, found in rates.items()]
            rows += [[f"node / engine, {transport}", *_shares(direct, in_process)]]
            rows += [[f"gateway / node, {transport}", *_shares(through, direct)]]
        self._table(f"points/s, {self.options.upserts} points in batches of 100", rows, by_clients=True)

    def _engine_upserts(self, batches: list[np.ndarray], together: int) -> float:
        engine = Engine(self.folder / f"engine-{together}", self.options.size)
        measured = engine.upsert(upsert_bodies(batches, "rest"), together)
        engine.close()
        return measured.rate * 100

    def fill(self) -> None:
        """The points that are searched."""
        self.new_collection(COLLECTION)
        batches = self.traffic.upserts(self.options.points, FILL_BATCH)
        asyncio.run(measure(self.node["grpc"], upsert_request(COLLECTION), upsert_bodies(batches, "grpc"), 1, 0))
        self.engine = Engine(self.folder / "engine", self.options.size)
        self.engine.upsert(upsert_bodies(batches, "rest"))

    def queries(self) -> None:
        """The ten nearest points, by several numbers of clients."""
        vectors = self.traffic.queries(200)
        engine = self.engine.query(query_bodies(vectors, "rest"))
        self.engine.close()
        rows = [["engine in process", *[_figures(engine, engine)] * len(self.options.clients)]]
        for transport in TRANSPORTS:
            bodies = query_bodies(vectors, transport)
            for target in (self.node[transport], self.gateway[transport]):
                cells = [
                    _figures(asyncio.run(measure(target, QUERY, bodies, clients, self.options.seconds)), engine)
                    for clients in self.options.clients
                ]
                rows.append([target.name, *cells])
        title = f"queries/s, p50 and p99 in ms, share of the engine's rate; {self.options.points} points"
        self._table(title, rows, by_clients=True)

    def index(self) -> None:
        """Have the points indexed, as they are by default."""
        change = {"optimizers_config": {"indexing_threshold": 10_000}}
        self._http.patch(f"/collections/{COLLECTION}", json=change).raise_for_status()
        wait_until(self._indexed, seconds=180, what="the points are indexed")

    def _indexed(self) -> bool:
        info = self._http.get(f"/collections/{COLLECTION}").json()["result"]
        return info["status"] == "green" and info["indexed_vectors_count"] >= self.options.points

    def overhead(self) -> None:
        """One client that asks node and gateway in turn, without an index (exact) and with one."""
        self._overhead("exact")
        self.index()
        self._overhead("indexed")

    def _overhead(self, search: str) -> None:
        rows = []
        for transport in TRANSPORTS:
            bodies = query_bodies(self.traffic.queries(self.options.pairs), transport)
            pair = [self.node[transport], self.gateway[transport]]
            node, gateway = asyncio.run(measure_alternately(pair, QUERY, bodies))
            p50 = [one.percentile(0.5) for one in (node, gateway)]
            rows.append([transport, f"{p50[0]:.2f}", f"{p50[1]:.2f}", f"{p50[1] - p50[0]:+.2f}"])
        self._table(f"p50 of a top-10 query in ms, {search}: node, gateway, difference", rows)

    def memory(self) -> None:
        """What the processes hold after all this."""
        ids = {"node": self.cloud.node_process_id(self.cluster_id), "gateway": self.cloud.process_id("gateway")}
        rows = [[name, f"{psutil.Process(pid).memory_info().rss / 2**20:.0f}"] for name, pid in ids.items()]
        self._table("resident memory in MiB", rows)

    def reopening(self) -> None:
        """kill -9 of a node, and the seconds until another has answered a query. The cloud is stopped."""
        data = self.cloud.paths.data / "clusters" / self.cluster_id / "storage"
        rows = []
        for _ in range(REOPENINGS):
            started = time.perf_counter()
            node = RunningNode(data)
            ready = time.perf_counter() - started
            node.ok("POST", QUERY.rest, {"query": self.traffic.queries(1)[0].tolist(), "limit": 10})
            rows.append([f"{ready:.2f}", f"{time.perf_counter() - started:.2f}"])
            os.kill(node.process.pid, signal.SIGKILL)
            node.process.wait()
        self._table("reopening after kill -9, s: process started to ready, and to the first answer", rows)

    def _table(self, title: str, rows: list[list[str]], *, by_clients: bool = False) -> None:
        print(f"\n{title}", flush=True)
        if by_clients:
            rows = [["clients", *map(str, self.options.clients)], *rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            print("  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)), flush=True)


def _figures(measured: Measured, engine: Measured) -> str:
    share = measured.rate / engine.rate
    return f"{measured.rate:.0f} {measured.percentile(0.5):.1f}/{measured.percentile(0.99):.1f} {share:.0%}"


def _shares(rates: list[float], of: list[float]) -> list[str]:
    return [f"{rate / whole:7.0%}" for rate, whole in zip(rates, of, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gateway", description=__doc__)
    parser.add_argument("--points", type=int, default=50_000, help="points that are searched")
    parser.add_argument("--upserts", type=int, default=4_000, help="points that are upserted for each figure")
    parser.add_argument("--size", type=int, default=384, help="dimensions of a vector")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16], help="clients at the same time")
    parser.add_argument("--seconds", type=float, default=3, help="of queries for each figure")
    parser.add_argument("--pairs", type=int, default=300, help="queries to node and gateway in turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, start_cloud(Path(folder)) as cloud:
        bench = Bench(options, cloud, Path(folder))
        for part in (bench.upserts, bench.fill, bench.queries, bench.overhead, bench.memory):
            part()
        cloud.stop()
        bench.reopening()


if __name__ == "__main__":
    main()
