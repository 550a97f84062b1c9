// Every method of @qdrant/js-client-rest once, against URL with API_KEY; and inference objects in place of vectors.
import assert from "node:assert/strict";
import { QdrantClient } from "@qdrant/js-client-rest";
import { collectionName, notServed, useEach } from "./uses.mjs";

const client = new QdrantClient({ url: process.env.URL, apiKey: process.env.API_KEY, timeout: 60_000 });
const name = collectionName("rest");
const second = `${name}-2`;
const MODEL = "sentence-transformers/all-minilm-l6-v2";
const text = (words) => ({ text: words, model: MODEL });
const red = { must: [{ key: "colour", match: { value: "red" } }] };
const points = [1, 2, 3].map((id) => ({
  id,
  vector: { dense: [id, 1], words: { indices: [id], values: [1] } },
  payload: { colour: id < 3 ? "red" : "blue", rank: id },
}));
const ids = (found) => found.map((point) => point.id);
const refused = (work) => notServed(work, (error) => error.data?.status?.error ?? String(error));

const uses = {
  versionInfo: async () => assert.match((await client.versionInfo()).version, /^\d+\./),
  createCollection: () =>
    client.createCollection(name, {
      vectors: { dense: { size: 2, distance: "Cosine" }, text: { size: 384, distance: "Cosine" } },
      sparse_vectors: { words: {} },
    }),
  recreateCollection: () => client.recreateCollection(second, { vectors: { size: 2, distance: "Dot" } }),
  collectionExists: async () => assert.equal((await client.collectionExists(name)).exists, true),
  getCollections: async () => assert.ok((await client.getCollections()).collections.some((one) => one.name === name)),
  getCollection: async () => assert.equal((await client.getCollection(name)).config.params.vectors.dense.size, 2),
  updateCollection: () => client.updateCollection(name, { optimizers_config: { indexing_threshold: 500 } }),
  updateCollectionAliases: () =>
    client.updateCollectionAliases({
      actions: [{ create_alias: { collection_name: name, alias_name: `${name}-alias` } }],
    }),
  getCollectionAliases: async () => assert.equal((await client.getCollectionAliases(name)).aliases.length, 1),
  getAliases: async () => assert.ok((await client.getAliases()).aliases.length),
  collectionClusterInfo: async () => assert.equal((await client.collectionClusterInfo(name)).shard_count, 1),
  createVectorName: () => client.createVectorName(name, "late", { dense: { size: 3, distance: "Dot" } }),
  deleteVectorName: () => client.deleteVectorName(name, "late"),
  upsert: async () => {
    await client.upsert(name, { wait: true, points });
    const documents = ["flour and sugar for cookies", "the oil of a car"].map((words, number) => ({
      id: 11 + number,
      vector: { text: text(words) },
    }));
    await client.upsert(name, { wait: true, points: documents });
  },
  createPayloadIndex: async () => {
    await client.createPayloadIndex(name, { field_name: "colour", field_schema: "keyword", wait: true });
    await client.createPayloadIndex(name, { field_name: "rank", field_schema: "integer", wait: true });
  },
  deletePayloadIndex: () => client.deletePayloadIndex(name, "rank", { wait: true }),
  retrieve: async () => assert.deepEqual(ids(await client.retrieve(name, { ids: [2, 1] })), [2, 1]),
  scroll: async () => assert.deepEqual(ids((await client.scroll(name, { filter: red })).points), [1, 2]),
  count: async () => assert.equal((await client.count(name, { filter: red, exact: true })).count, 2),
  facet: async () => assert.equal((await client.facet(name, { key: "colour" })).hits[0].value, "red"),
  query: async () => {
    const nearest = await client.query(name, { query: [1, 1], using: "dense", limit: 1 });
    assert.deepEqual(ids(nearest.points), [1]);
    const meant = await client.query(name, { query: text("baking"), using: "text", limit: 1 });
    assert.deepEqual(ids(meant.points), [11]);
  },
  queryBatch: async () => {
    const one = { query: [1, 1], using: "dense", limit: 1 };
    assert.equal((await client.queryBatch(name, { searches: [one, one] })).length, 2);
  },
  queryGroups: async () => {
    const grouped = { query: [1, 1], using: "dense", group_by: "colour", group_size: 1, limit: 2 };
    assert.equal((await client.queryGroups(name, grouped)).groups.length, 2);
  },
  searchMatrixPairs: async () =>
    assert.ok((await client.searchMatrixPairs(name, { using: "dense", sample: 3, limit: 1 })).pairs.length),
  searchMatrixOffsets: async () =>
    assert.ok((await client.searchMatrixOffsets(name, { using: "dense", sample: 3, limit: 1 })).ids.length),
  updateVectors: () => client.updateVectors(name, { wait: true, points: [{ id: 3, vector: { dense: [0, 1] } }] }),
  deleteVectors: () => client.deleteVectors(name, { wait: true, points: [3], vector: ["words"] }),
  setPayload: () => client.setPayload(name, { wait: true, payload: { new: 1 }, points: [1] }),
  overwritePayload: () => client.overwritePayload(name, { wait: true, payload: { only: 1 }, points: [2] }),
  deletePayload: () => client.deletePayload(name, { wait: true, keys: ["new"], points: [1] }),
  clearPayload: () => client.clearPayload(name, { wait: true, points: [2] }),
  batchUpdate: () =>
    client.batchUpdate(name, {
      wait: true,
      operations: [{ upsert: { points: points.slice(1, 2) } }, { delete: { points: [3] } }],
    }),
  delete: async () => {
    await client.delete(name, { wait: true, points: [1] });
    assert.equal((await client.count(name, { exact: true })).count, 3);
  },
  createSnapshot: () => client.createSnapshot(name),
  listSnapshots: async () => assert.equal((await client.listSnapshots(name)).length, 1),
  deleteSnapshot: async () => client.deleteSnapshot(name, (await client.listSnapshots(name))[0].name),
  updateCollectionCluster: () =>
    refused(() => client.updateCollectionCluster(name, { move_shard: { shard_id: 0, from_peer_id: 0, to_peer_id: 1 } })),
  listFullSnapshots: () => refused(() => client.listFullSnapshots()),
  createFullSnapshot: () => refused(() => client.createFullSnapshot()),
  deleteFullSnapshot: () => refused(() => client.deleteFullSnapshot("a")),
  recoverSnapshot: () => refused(() => client.recoverSnapshot(name, { location: "file:///a" })),
  recoverShardFromSnapshot: () => refused(() => client.recoverShardFromSnapshot(name, 0, { location: "file:///a" })),
  listShardSnapshots: () => refused(() => client.listShardSnapshots(name, 0)),
  createShardSnapshot: () => refused(() => client.createShardSnapshot(name, 0, {})),
  deleteShardSnapshot: () => refused(() => client.deleteShardSnapshot(name, 0, "a", {})),
  listShardKeys: () => refused(() => client.listShardKeys(name)),
  createShardKey: () => refused(() => client.createShardKey(name, { shard_key: "a" })),
  deleteShardKey: () => refused(() => client.deleteShardKey(name, { shard_key: "a" })),
  clusterTelemetry: () => refused(() => client.clusterTelemetry()),
  getOptimizations: async () => assert.deepEqual((await client.getOptimizations(name)).running, []),
  getQuotas: () => refused(() => client.getQuotas()),
  updateQuotas: () => refused(() => client.updateQuotas({})),
  deleteCollection: async () => {
    await client.deleteCollection(second);
    await client.deleteCollection(name);
  },
};

const methods = Object.getOwnPropertyNames(QdrantClient.prototype).filter((one) => !["constructor", "api"].includes(one));
await useEach("rest", methods, uses);
