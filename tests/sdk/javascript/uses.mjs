// What both suites share: running each use once, in order, and telling what failed.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

export const collectionName = (kind) => `sdk-js-${kind}-${randomUUID()}`;

export async function notServed(work, sentence) {
  let error;
  try {
    await work();
  } catch (caught) {
    error = caught;
  }
  assert.ok(error, "it was answered");
  assert.match(sentence(error), /Not supported: an embedded node /);
}

export async function useEach(client, methods, uses) {
  assert.deepEqual(Object.keys(uses).sort(), [...methods].sort());
  let failed = 0;
  for (const [method, use] of Object.entries(uses)) {
    try {
      await use();
    } catch (error) {
      failed += 1;
      console.error(`${client} ${method}: ${error.stack ?? error} ${JSON.stringify(error.data ?? "")}`);
    }
  }
  console.log(`${client}: ${methods.length - failed} of ${methods.length} methods`);
  process.exit(failed ? 1 : 0);
}
