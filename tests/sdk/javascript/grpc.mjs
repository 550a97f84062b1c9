// Every method of @qdrant/js-client-grpc once, against HOST and PORT with API_KEY; and an inference object.
import assert from "node:assert/strict";
import { QdrantClient } from "@qdrant/js-client-grpc";
import { collectionName, notServed, useEach } from "./uses.mjs";

const client = new QdrantClient({
  host: process.env.HOST,
  port: Number(process.env.PORT),
  apiKey: process.env.API_KEY,
  https: false,
  checkCompatibility: false,
  timeout: 60_000,
});
const apis = { collections: client.api("collections"), points: client.api("points") };
apis.snapshots = client.api("snapshots");
apis.service = client.api("service");
const name = collectionName("grpc");
const MODEL = "sentence-transformers/all-minilm-l6-v2";
const DOT = 3;
const KEYWORD = 0;
const at = { collectionName: name };
const write = { ...at, wait: true };
const id = (num) => ({ pointIdOptions: { case: "num", value: BigInt(num) } });
const dense = (data) => ({ vector: { case: "dense", value: { data } } });
const string = (value) => ({ kind: { case: "stringValue", value } });
const selected = (...numbers) => ({ pointsSelectorOneOf: { case: "points", value: { ids: numbers.map(id) } } });
const document = (text) => ({ text, model: MODEL });
const input = (data) => ({ variant: { case: "dense", value: { data } } });
const nearest = (value) => ({ variant: { case: "nearest", value } });
const vectors = (named) => ({ vectorsOptions: { case: "vectors", value: { vectors: named } } });
const query = { ...at, query: nearest(input([1, 1])), using: "dense", limit: 1n };
const points = [1, 2, 3].map((number) => ({
  id: id(number),
  vectors: vectors({ dense: dense([number, 4 - number]) }),
  payload: { colour: string(number < 3 ? "red" : "blue") },
}));
const grouping = { groupBy: "colour", groupSize: 1, limit: 2 };
const search = { ...at, vector: [1, 1], vectorName: "dense", limit: 1n };
const like = { ...at, positive: [id(1)], using: "dense", limit: 1n };
const target = { single: { example: { case: "id", value: id(1) } } };
const discover = { ...at, target: { target: { case: "single", value: target.single } }, using: "dense", limit: 1n };
const matrix = { ...at, using: "dense", sample: 3n, limit: 1n };
const refused = (work) => notServed(work, (error) => error.rawMessage ?? String(error));
const found = (answer) => answer.result.map((point) => Number(point.id.pointIdOptions.value));

const uses = {
  "service.healthCheck": async () => assert.ok((await apis.service.healthCheck({})).version),
  "collections.create": () =>
    apis.collections.create({
      ...at,
      vectorsConfig: {
        config: {
          case: "paramsMap",
          value: { map: { dense: { size: 2n, distance: DOT }, text: { size: 384n, distance: DOT } } },
        },
      },
    }),
  "collections.list": async () => assert.ok((await apis.collections.list({})).collections.length),
  "collections.get": async () => assert.ok((await apis.collections.get(at)).result),
  "collections.collectionExists": async () =>
    assert.equal((await apis.collections.collectionExists(at)).result.exists, true),
  "collections.update": () => apis.collections.update({ ...at, optimizersConfig: { indexingThreshold: 500n } }),
  "collections.updateAliases": () =>
    apis.collections.updateAliases({
      actions: [{ action: { case: "createAlias", value: { ...at, aliasName: `${name}-alias` } } }],
    }),
  "collections.listCollectionAliases": async () =>
    assert.equal((await apis.collections.listCollectionAliases(at)).aliases.length, 1),
  "collections.listAliases": async () => assert.ok((await apis.collections.listAliases({})).aliases.length),
  "collections.collectionClusterInfo": async () =>
    assert.equal((await apis.collections.collectionClusterInfo(at)).shardCount, 1n),
  "points.upsert": async () => {
    await apis.points.upsert({ ...write, points });
    const vector = { vector: { case: "document", value: document("flour and sugar for cookies") } };
    await apis.points.upsert({ ...write, points: [{ id: id(11), vectors: vectors({ text: vector }) }] });
  },
  "points.createFieldIndex": () =>
    apis.points.createFieldIndex({ ...write, fieldName: "colour", fieldType: KEYWORD }),
  "points.get": async () => assert.deepEqual(found(await apis.points.get({ ...at, ids: [id(2), id(1)] })), [2, 1]),
  "points.scroll": async () => assert.equal((await apis.points.scroll(at)).result.length, 4),
  "points.count": async () => assert.equal((await apis.points.count({ ...at, exact: true })).result.count, 4n),
  "points.facet": async () => assert.equal((await apis.points.facet({ ...at, key: "colour" })).hits.length, 2),
  "points.query": async () => {
    assert.equal((await apis.points.query(query)).result.length, 1);
    const asked = nearest({ variant: { case: "document", value: document("baking") } });
    assert.deepEqual(found(await apis.points.query({ ...at, query: asked, using: "text", limit: 1n })), [11]);
  },
  "points.queryBatch": async () =>
    assert.equal((await apis.points.queryBatch({ ...at, queryPoints: [query, query] })).result.length, 2),
  "points.queryGroups": async () => {
    const grouped = { ...query, ...grouping, limit: 2n, groupSize: 1n };
    assert.equal((await apis.points.queryGroups(grouped)).result.groups.length, 2);
  },
  "points.search": async () => assert.equal((await apis.points.search(search)).result.length, 1),
  "points.searchBatch": async () =>
    assert.equal((await apis.points.searchBatch({ ...at, searchPoints: [search] })).result.length, 1),
  "points.searchGroups": async () =>
    assert.equal((await apis.points.searchGroups({ ...search, ...grouping })).result.groups.length, 2),
  "points.recommend": async () => assert.equal((await apis.points.recommend(like)).result.length, 1),
  "points.recommendBatch": async () =>
    assert.equal((await apis.points.recommendBatch({ ...at, recommendPoints: [like] })).result.length, 1),
  "points.recommendGroups": async () =>
    assert.ok((await apis.points.recommendGroups({ ...like, ...grouping })).result.groups.length),
  "points.discover": async () => assert.equal((await apis.points.discover(discover)).result.length, 1),
  "points.discoverBatch": async () =>
    assert.equal((await apis.points.discoverBatch({ ...at, discoverPoints: [discover] })).result.length, 1),
  "points.searchMatrixPairs": async () =>
    assert.ok((await apis.points.searchMatrixPairs(matrix)).result.pairs.length),
  "points.searchMatrixOffsets": async () =>
    assert.ok((await apis.points.searchMatrixOffsets(matrix)).result.ids.length),
  "points.setPayload": () =>
    apis.points.setPayload({ ...write, payload: { new: string("a") }, pointsSelector: selected(1) }),
  "points.overwritePayload": () =>
    apis.points.overwritePayload({ ...write, payload: { only: string("a") }, pointsSelector: selected(2) }),
  "points.deletePayload": () => apis.points.deletePayload({ ...write, keys: ["new"], pointsSelector: selected(1) }),
  "points.clearPayload": () => apis.points.clearPayload({ ...write, points: selected(2) }),
  "points.updateVectors": () =>
    apis.points.updateVectors({ ...write, points: [{ id: id(3), vectors: vectors({ dense: dense([5, 5]) }) }] }),
  "points.deleteVectors": () =>
    apis.points.deleteVectors({ ...write, pointsSelector: selected(3), vectors: { names: ["dense"] } }),
  "points.updateBatch": () =>
    apis.points.updateBatch({
      ...write,
      operations: [{ operation: { case: "deletePoints", value: { points: selected(3) } } }],
    }),
  "points.delete": () => apis.points.delete({ ...write, points: selected(1) }),
  "points.deleteFieldIndex": () => apis.points.deleteFieldIndex({ ...write, fieldName: "colour" }),
  "points.createVectorName": () =>
    apis.points.createVectorName({
      ...write,
      vectorName: "late",
      vectorConfig: { case: "denseConfig", value: { size: 3n, distance: DOT } },
    }),
  "points.deleteVectorName": () => apis.points.deleteVectorName({ ...write, vectorName: "late" }),
  "snapshots.create": () => apis.snapshots.create(at),
  "snapshots.list": async () => assert.equal((await apis.snapshots.list(at)).snapshotDescriptions.length, 1),
  "snapshots.delete": async () => {
    const [one] = (await apis.snapshots.list(at)).snapshotDescriptions;
    await apis.snapshots.delete({ ...at, snapshotName: one.name });
  },
  "collections.updateCollectionClusterSetup": () => refused(() => apis.collections.updateCollectionClusterSetup(at)),
  "collections.createShardKey": () => refused(() => apis.collections.createShardKey(at)),
  "collections.deleteShardKey": () => refused(() => apis.collections.deleteShardKey(at)),
  "collections.listShardKeys": () => refused(() => apis.collections.listShardKeys(at)),
  "snapshots.createFull": () => refused(() => apis.snapshots.createFull({})),
  "snapshots.listFull": () => refused(() => apis.snapshots.listFull({})),
  "snapshots.deleteFull": () => refused(() => apis.snapshots.deleteFull({ snapshotName: "a" })),
  "collections.delete": () => apis.collections.delete(at),
};

const methods = Object.entries(apis).flatMap(([api, methods]) => Object.keys(methods).map((one) => `${api}.${one}`));
await useEach("grpc", methods, uses);
