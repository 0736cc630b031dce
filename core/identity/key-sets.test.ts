/** Key sets while keys rotate, over restarts, from a file, and while a refresh hangs; what providers do wrong is in key-sets.providers.test.ts. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { both, json, type KeyServer, startKeyServer, until } from "../../test/harness/key-server.ts";
import { instant } from "../domain/time.ts";
import { createIdentify } from "./identify.ts";
import * as sample from "../../test/samples/tokens.ts";
import { keys } from "../../test/samples/tokens.ts";

const one = sample.jwksOf({ ed25519: keys.ed25519 });

let server: KeyServer;
beforeEach(async () => {
  server = await startKeyServer();
});
afterEach(() => server[Symbol.asyncDispose]());

describe("rotation", () => {
  test("a removed key stops with the next refresh; the same keys stay the same object", async () => {
    server.answerBy(json(both));
    const { keySets, kids, event, events } = await server.start({ refreshMs: 30 });
    await using _ended = keySets;
    await event("keys_refreshed");
    const first = keySets.current(sample.ISSUER, instant(Date.now()));
    await event("keys_refreshed", 3);
    expect(keySets.current(sample.ISSUER, instant(Date.now()))).toBe(first);
    server.answerBy(json(one));
    await until("the removed key to stop", () => kids()?.length === 1);
    expect(kids()).toEqual(["ed25519"]);
    expect(events.filter((event) => event.kind === "keys_refreshed" && event.changed)).toHaveLength(2);
  });

  test("200 unknown key ids cause one refresh in the interval and one more after it, not one each", async () => {
    server.answerBy(json(one));
    const { keySets, kids, event } = await server.start({ requestedMs: 400 });
    await using _ended = keySets;
    await event("keys_refreshed");
    server.answerBy(json(both));
    for (let request = 0; request < 200; request += 1) keySets.requestRefresh(sample.ISSUER);
    keySets.requestRefresh("https://unknown.example.com");
    expect(server.hits).toHaveLength(1);
    expect(kids()).toEqual(["ed25519"]);
    await event("keys_refreshed", 2);
    expect(kids()).toEqual(["ed25519", "p256"]);
    for (let request = 0; request < 200; request += 1) keySets.requestRefresh(sample.ISSUER);
    await event("keys_refreshed", 3);
    const gaps = server.hits.slice(1).map((at, index) => at - (server.hits[index] ?? 0));
    expect(server.hits).toHaveLength(3);
    expect(Math.min(...gaps)).toBeGreaterThan(200); // of 400, where the one before may have come late
  });

  test("what a slow answer saw before a reload does not take the place of what the reload saw", async () => {
    server.answerBy(json(both));
    const { keySets, kids, event, events } = await server.start({ refreshMs: 30, timeoutMs: 60_000 });
    await using _ended = keySets;
    await event("keys_refreshed");
    const slow = Promise.withResolvers<ServerResponse>();
    server.answerBy((_request, response) => slow.resolve(response));
    const response = await slow.promise;
    server.answerBy(json(one));
    expect(await keySets.reload()).toEqual([]);
    expect(kids()).toEqual(["ed25519"]);
    const asked = server.hits.length;
    const seen = events.length;
    response.setHeader("content-type", "application/json").end(JSON.stringify(both));
    await until("the next look after the slow one", () => server.hits.length > asked && events.length > seen);
    expect(events.slice(seen)).not.toContainEqual(expect.objectContaining({ changed: true }));
    expect(kids()).toEqual(["ed25519"]);
  });

  test("requests do not make a failing provider be asked sooner", async () => {
    server.answerBy((_q, r) => void r.writeHead(503).end());
    const { keySets, event } = await server.start({ retryMs: 300, requestedMs: 1_000 });
    await using _ended = keySets;
    await event("keys_refresh_failed");
    const timer = setInterval(() => keySets.requestRefresh(sample.ISSUER), 5);
    await event("keys_refresh_failed", 2);
    clearInterval(timer);
    expect((server.hits[1] ?? 0) - (server.hits[0] ?? 0)).toBeGreaterThan(200); // of 300, where the first may have come late
  });
});

describe("last good keys", () => {
  test("outlive a restart while the provider is away, for 24 hours and no longer", async () => {
    server.answerBy(json(both));
    {
      const { keySets, event } = await server.start();
      await using _ended = keySets;
      await event("keys_refreshed");
      await until("the file", async () => (await readdir(server.directory)).length > 0);
    }
    server.answerBy(() => {});
    const { keySets, kids, events } = await server.start();
    await using _ended = keySets;
    expect(events).toMatchObject([{ kind: "keys_restored", issuer: sample.ISSUER }]);
    expect(kids()).toEqual(["ed25519", "p256"]);
    expect(kids(24 * 3_600_000 - 5_000)).toHaveLength(2);
    expect(kids(24 * 3_600_000 + 1)).toBeUndefined();
  });

  test("of another source, too old, from the future, broken or with private members are not used or not kept", async () => {
    const [leaked] = [keys.ed25519.privateKey.export({ format: "jwk" })];
    server.answerBy(json({ keys: [{ ...leaked, kid: "leaked" }] }));
    {
      const { keySets, event } = await server.start();
      await using _ended = keySets;
      await event("keys_refreshed");
      await until("the file", async () => (await readdir(server.directory)).some((name) => name.endsWith(".json")));
    }
    const [name = ""] = await readdir(server.directory);
    const file = path.join(server.directory, name);
    const text = await readFile(file, "utf8");
    expect(text).not.toContain(leaked?.d ?? "no private member");
    server.answerBy(() => {});
    const stored = JSON.parse(text);
    for (const changed of [
      JSON.stringify({ ...stored, confirmed_at_ms: Date.now() - 25 * 3_600_000 }),
      JSON.stringify({ ...stored, confirmed_at_ms: Date.now() + 3_600_000 }),
      JSON.stringify({ ...stored, source: "https://elsewhere.example.com" }),
      JSON.stringify({ ...stored, jwks: { keys: [] } }),
      text.slice(0, 40),
    ]) {
      await writeFile(file, changed);
      const { keySets, kids } = await server.start();
      await using _ended = keySets;
      expect(kids()).toBeUndefined();
    }
  });

  test("that cannot be written are reported and used all the same", async () => {
    server.answerBy(json(one));
    await rm(server.directory, { recursive: true });
    await writeFile(server.directory, "a file in the place of the directory");
    const { keySets, kids, event } = await server.start();
    await using _ended = keySets;
    await event("keys_not_persisted");
    expect(kids()).toEqual(["ed25519"]);
  });
});

test("while a refresh hangs, known keys identify, unknown ones are refused, and neither waits for it", async () => {
  server.answerBy(json(one));
  const { keySets, event } = await server.start({ refreshMs: 30, timeoutMs: 60_000 });
  await using _ended = keySets;
  await event("keys_refreshed");
  server.answerBy(() => {});
  const before = server.hits.length;
  await until("a refresh that hangs", () => server.hits.length > before);
  const { identify } = createIdentify({ issuers: sample.issuersOf({ jwks_uri: server.url }), keySets });
  const seconds = Math.floor(Date.now() / 1_000);
  const claims = sample.claims({ iat: seconds, exp: seconds + 60 });
  const startedAt = performance.now();
  for (let index = 0; index < 50; index += 1) {
    const now = instant(Date.now());
    const known = sample.token({ ...claims, sub: `user-${index}` });
    expect(identify({ authorization: [`Bearer ${known}`] }, now)).toMatchObject({ kind: "subject" });
    const unknown = sample.token(claims, { kid: `kid-${index}` });
    expect(identify({ authorization: [`Bearer ${unknown}`] }, now)).toMatchObject({
      reason: "credential_key_unknown",
    });
  }
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

test("a key file is read, and read again", async () => {
  const file = path.join(server.directory, "jwks.json");
  await writeFile(file, JSON.stringify(one));
  const { keySets, kids, event } = await server.start({ refreshMs: 30 }, { jwks_file: file, jwks_uri: undefined });
  await using _ended = keySets;
  await event("keys_refreshed");
  expect(kids()).toEqual(["ed25519"]);
  await writeFile(file, JSON.stringify(both));
  await until("the second key", () => kids()?.length === 2);
  await writeFile(file, " ".repeat(70_000));
  expect(await event("keys_refresh_failed")).toMatchObject({ reason: "too_large" });
  expect(kids()).toEqual(["ed25519", "p256"]);
});

test("disposing ends a fetch that hangs", async () => {
  server.answerBy(() => {});
  const { keySets } = await server.start({ timeoutMs: 60_000 });
  await until("the fetch", () => server.hits.length === 1);
  const before = performance.now();
  await keySets[Symbol.asyncDispose]();
  expect(performance.now() - before).toBeLessThan(10_000);
});
