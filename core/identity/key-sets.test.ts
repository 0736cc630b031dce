/**
 * Key sets against a real HTTP server on loopback that misbehaves as identity providers do. Times are shortened by options; what a test
 * waits for is a condition. Long because every misbehaviour is one row.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { instant } from "../domain/time.ts";
import { systemClock } from "../../platform/clock.ts";
import { createIdentify } from "./identify.ts";
import { createKeySets, type KeySetEvent, type KeySetTimes } from "./key-sets.ts";
import * as sample from "./sample-tokens.ts";
import { keys } from "./sample-tokens.ts";

const DEADLINE_MS = 5_000;
const both = sample.jwksOf({ ed25519: keys.ed25519, p256: keys.p256 });
const one = sample.jwksOf({ ed25519: keys.ed25519 });

let server: Server;
let url = "";
let hits: number[] = [];
let directory = "";
let answer: RequestListener = () => {};

const json =
  (value: unknown): RequestListener =>
  (_request, response) =>
    void response.setHeader("content-type", "application/json").end(JSON.stringify(value));

beforeEach(async () => {
  hits = [];
  directory = await mkdtemp(path.join(tmpdir(), "keys-test-"));
  server = createServer((request, response) => {
    hits.push(performance.now());
    answer(request, response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  url = `http://127.0.0.1:${address.port}/keys`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await rm(directory, { recursive: true, force: true });
});

async function start(times: Partial<KeySetTimes> = {}, config: sample.IssuerChanges = {}) {
  const events: KeySetEvent[] = [];
  const issuers = sample.issuersOf({ jwks_uri: url, ...config });
  expect(issuers.size).toBe(1);
  const deps = { issuers, clock: systemClock, onEvent: (event: KeySetEvent) => void events.push(event) };
  const keySets = await createKeySets(deps, { directory, times: { timeoutMs: 300, retryMs: 10_000, ...times } });
  const kids = (laterMs = 0) =>
    keySets.current(sample.ISSUER, instant(Date.now() + laterMs))?.keys.map((key) => key.kid);
  const event = (kind: KeySetEvent["kind"], count = 1) =>
    until(`${count} × ${kind}`, () => events.filter((one) => one.kind === kind)[count - 1]);
  return { keySets, events, kids, event };
}

async function until<T>(what: string, probe: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(5);
  }
}

const filler = Buffer.alloc(64 * 1024, 0x20);
let redirectedTo = 0;
const misbehaviours: readonly (readonly [string, string, RequestListener])[] = [
  ["hangs before its headers", "timeout", () => {}],
  ["hangs in the middle of the body", "timeout", (_q, r) => void r.write('{"keys":[')],
  [
    "sends a byte now and then",
    "timeout",
    (_q, r) => {
      const timer = setInterval(() => r.write(" "), 20);
      r.on("close", () => clearInterval(timer));
    },
  ],
  ["breaks the connection", "unreachable", (q) => void q.socket.destroy()],
  ["answers 503", "status", (_q, r) => void r.writeHead(503).end(JSON.stringify(both))],
  ["answers 204", "status", (_q, r) => void r.writeHead(204).end()],
  [
    "redirects to where keys are",
    "redirect",
    (q, r) => {
      if (q.url === "/elsewhere") redirectedTo += 1;
      if (q.url === "/elsewhere") json(both)(q, r);
      else r.writeHead(302, { location: "/elsewhere" }).end();
    },
  ],
  [
    "sends 10 MB",
    "too_large",
    (_q, r) => {
      let left = 160;
      const more = (): void => {
        if (left === 0) return void r.end();
        left -= 1;
        r.write(filler, more);
      };
      more();
    },
  ],
  ["sends nothing", "not_a_key_set", (_q, r) => void r.end()],
  ["sends a page", "not_a_key_set", (_q, r) => void r.end("<html>login</html>")],
  ["sends an object without keys", "not_a_key_set", json({})],
  ["sends no keys", "no_usable_key", json({ keys: [] })],
  ["sends only a secret key", "no_usable_key", json({ keys: [{ kty: "oct", k: "AAAA", kid: "ed25519" }] })],
  ["sends 33 keys", "too_many_keys", json({ keys: Array.from({ length: 33 }, () => both.keys[0]) })],
];

describe("an identity provider that", () => {
  test.each(misbehaviours)(
    "%s leaves the last good keys, and no look at them waits",
    async (_name, reason, listener) => {
      answer = json(both);
      const { keySets, kids, event } = await start({ refreshMs: 50 });
      await using _ended = keySets;
      await event("keys_refreshed");
      redirectedTo = 0;
      answer = listener;
      const failed = await event("keys_refresh_failed");
      expect(failed).toMatchObject({ issuer: sample.ISSUER, reason });
      expect(kids()).toEqual(["ed25519", "p256"]);
      expect(redirectedTo).toBe(0);
      const before = performance.now();
      for (let look = 0; look < 10_000; look += 1) keySets.current(sample.ISSUER, instant(Date.now()));
      expect(performance.now() - before).toBeLessThan(200);
    },
  );

  test("never answered gives no keys, and starting does not wait for it", async () => {
    answer = () => {};
    const before = performance.now();
    const { keySets, kids, event } = await start();
    await using _ended = keySets;
    expect(performance.now() - before).toBeLessThan(200);
    await event("keys_refresh_failed");
    expect(kids()).toBeUndefined();
    expect(keySets.status(instant(Date.now()))).toEqual([{ issuer: sample.ISSUER, usable: false, ageMs: undefined }]);
  });

  test("comes back is asked again by itself", async () => {
    answer = (_q, r) => void r.writeHead(503).end();
    const { keySets, kids, event } = await start({ retryMs: 20 });
    await using _ended = keySets;
    await event("keys_refresh_failed", 2);
    answer = json(both);
    await event("keys_refreshed");
    expect(kids()).toEqual(["ed25519", "p256"]);
  });
});

describe("rotation", () => {
  test("a removed key stops with the next refresh; the same keys stay the same object", async () => {
    answer = json(both);
    const { keySets, kids, event, events } = await start({ refreshMs: 30 });
    await using _ended = keySets;
    await event("keys_refreshed");
    const first = keySets.current(sample.ISSUER, instant(Date.now()));
    await event("keys_refreshed", 3);
    expect(keySets.current(sample.ISSUER, instant(Date.now()))).toBe(first);
    answer = json(one);
    await until("the removed key to stop", () => kids()?.length === 1);
    expect(kids()).toEqual(["ed25519"]);
    expect(events.filter((event) => event.kind === "keys_refreshed" && event.changed)).toHaveLength(2);
  });

  test("200 unknown key ids cause one refresh in the interval and one more after it, not one each", async () => {
    answer = json(one);
    const { keySets, kids, event } = await start({ requestedMs: 400 });
    await using _ended = keySets;
    await event("keys_refreshed");
    answer = json(both);
    for (let request = 0; request < 200; request += 1) keySets.requestRefresh(sample.ISSUER);
    keySets.requestRefresh("https://unknown.example.com");
    expect(hits).toHaveLength(1);
    expect(kids()).toEqual(["ed25519"]);
    await event("keys_refreshed", 2);
    expect(kids()).toEqual(["ed25519", "p256"]);
    for (let request = 0; request < 200; request += 1) keySets.requestRefresh(sample.ISSUER);
    await event("keys_refreshed", 3);
    const gaps = hits.slice(1).map((at, index) => at - (hits[index] ?? 0));
    expect(hits).toHaveLength(3);
    expect(Math.min(...gaps)).toBeGreaterThan(380);
  });

  test("requests do not make a failing provider be asked sooner", async () => {
    answer = (_q, r) => void r.writeHead(503).end();
    const { keySets, event } = await start({ retryMs: 150, requestedMs: 1_000 });
    await using _ended = keySets;
    await event("keys_refresh_failed");
    const timer = setInterval(() => keySets.requestRefresh(sample.ISSUER), 5);
    await event("keys_refresh_failed", 2);
    clearInterval(timer);
    expect((hits[1] ?? 0) - (hits[0] ?? 0)).toBeGreaterThan(280);
  });
});

describe("last good keys", () => {
  test("outlive a restart while the provider is away, for 24 hours and no longer", async () => {
    answer = json(both);
    {
      const { keySets, event } = await start();
      await using _ended = keySets;
      await event("keys_refreshed");
      await until("the file", async () => (await readdir(directory)).length > 0);
    }
    answer = () => {};
    const { keySets, kids, events } = await start();
    await using _ended = keySets;
    expect(events).toMatchObject([{ kind: "keys_restored", issuer: sample.ISSUER }]);
    expect(kids()).toEqual(["ed25519", "p256"]);
    expect(kids(24 * 3_600_000 - 5_000)).toHaveLength(2);
    expect(kids(24 * 3_600_000 + 1)).toBeUndefined();
  });

  test("of another source, too old, from the future, broken or with private members are not used or not kept", async () => {
    const [leaked] = [keys.ed25519.privateKey.export({ format: "jwk" })];
    answer = json({ keys: [{ ...leaked, kid: "leaked" }] });
    {
      const { keySets, event } = await start();
      await using _ended = keySets;
      await event("keys_refreshed");
      await until("the file", async () => (await readdir(directory)).some((name) => name.endsWith(".json")));
    }
    const [name = ""] = await readdir(directory);
    const file = path.join(directory, name);
    const text = await readFile(file, "utf8");
    expect(text).not.toContain(leaked?.d ?? "no private member");
    answer = () => {};
    const stored = JSON.parse(text);
    for (const changed of [
      JSON.stringify({ ...stored, confirmed_at_ms: Date.now() - 25 * 3_600_000 }),
      JSON.stringify({ ...stored, confirmed_at_ms: Date.now() + 3_600_000 }),
      JSON.stringify({ ...stored, source: "https://elsewhere.example.com" }),
      JSON.stringify({ ...stored, jwks: { keys: [] } }),
      text.slice(0, 40),
    ]) {
      await writeFile(file, changed);
      const { keySets, kids } = await start();
      await using _ended = keySets;
      expect(kids()).toBeUndefined();
    }
  });

  test("that cannot be written are reported and used all the same", async () => {
    answer = json(one);
    await rm(directory, { recursive: true });
    await writeFile(directory, "a file in the place of the directory");
    const { keySets, kids, event } = await start();
    await using _ended = keySets;
    await event("keys_not_persisted");
    expect(kids()).toEqual(["ed25519"]);
  });
});

test("while a refresh hangs, known keys identify, unknown ones are refused, and neither waits for it", async () => {
  answer = json(one);
  const { keySets, event } = await start({ refreshMs: 30, timeoutMs: 60_000 });
  await using _ended = keySets;
  await event("keys_refreshed");
  answer = () => {};
  const before = hits.length;
  await until("a refresh that hangs", () => hits.length > before);
  const { identify } = createIdentify({ issuers: sample.issuersOf({ jwks_uri: url }), keySets });
  const seconds = Math.floor(Date.now() / 1_000);
  const claims = sample.claims({ iat: seconds, exp: seconds + 60 });
  const startedAt = performance.now();
  for (let index = 0; index < 50; index += 1) {
    const now = instant(Date.now());
    const known = sample.token({ ...claims, sub: `user-${index}` });
    expect(await identify({ authorization: [`Bearer ${known}`] }, now)).toMatchObject({ kind: "subject" });
    const unknown = sample.token(claims, { kid: `kid-${index}` });
    expect(await identify({ authorization: [`Bearer ${unknown}`] }, now)).toMatchObject({
      reason: "credential_key_unknown",
    });
  }
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test("a key file is read, and read again", async () => {
  const file = path.join(directory, "jwks.json");
  await writeFile(file, JSON.stringify(one));
  const { keySets, kids, event } = await start({ refreshMs: 30 }, { jwks_file: file, jwks_uri: undefined });
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
  answer = () => {};
  const { keySets } = await start({ timeoutMs: 60_000 });
  await until("the fetch", () => hits.length === 1);
  const before = performance.now();
  await keySets[Symbol.asyncDispose]();
  expect(performance.now() - before).toBeLessThan(1_000);
});
