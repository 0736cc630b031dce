/** Identity providers that misbehave in every way they do: the last good keys stay, and nobody waits. One row for each way. */
import type { RequestListener } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { both, json, type KeyServer, startKeyServer } from "../../test/harness/key-server.ts";
import { instant } from "../domain/time.ts";
import * as sample from "../../test/samples/tokens.ts";

let server: KeyServer;
beforeEach(async () => {
  server = await startKeyServer();
});
afterEach(() => server[Symbol.asyncDispose]());

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
      server.answerBy(json(both));
      const { keySets, kids, event } = await server.start({ refreshMs: 50 });
      await using _ended = keySets;
      await event("keys_refreshed");
      redirectedTo = 0;
      server.answerBy(listener);
      const failed = await event("keys_refresh_failed");
      expect(failed).toMatchObject({ issuer: sample.ISSUER, reason });
      expect(kids()).toEqual(["ed25519", "p256"]);
      expect(redirectedTo).toBe(0);
      const before = performance.now();
      for (let look = 0; look < 10_000; look += 1) keySets.current(sample.ISSUER, instant(Date.now()));
      expect(performance.now() - before).toBeLessThan(5_000); // half a millisecond for each
    },
  );

  test("never answered gives no keys, and starting does not wait for it", async () => {
    server.answerBy(() => {});
    const before = performance.now();
    const timeoutMs = 3_000;
    const { keySets, kids, event } = await server.start({ timeoutMs });
    await using _ended = keySets;
    expect(performance.now() - before).toBeLessThan(timeoutMs);
    await event("keys_refresh_failed");
    expect(kids()).toBeUndefined();
    expect(keySets.status(instant(Date.now()))).toEqual([{ issuer: sample.ISSUER, usable: false, ageMs: undefined }]);
  });

  test("comes back is asked again by itself", async () => {
    server.answerBy((_q, r) => void r.writeHead(503).end());
    const { keySets, kids, event } = await server.start({ retryMs: 20 });
    await using _ended = keySets;
    await event("keys_refresh_failed", 2);
    server.answerBy(json(both));
    await event("keys_refreshed");
    expect(kids()).toEqual(["ed25519", "p256"]);
  });
});
