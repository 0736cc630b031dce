/** Several issuers beside each other, with keys of the same id: what becomes of the one leaves the other alone. */
import { generateKeyPairSync } from "node:crypto";
import type { RequestListener } from "node:http";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { json, type KeyServer, startKeyServer, until } from "../../test/harness/key-server.ts";
import { instant } from "../domain/time.ts";
import { createIdentify } from "./identify.ts";
import * as sample from "../../test/samples/tokens.ts";

const OTHER = "https://other.example.com";
const others = generateKeyPairSync("ed25519");
const next = generateKeyPairSync("ed25519");
const keysOf = (pair: sample.KeyPair) => json(sample.jwksOf({ ed25519: pair }));

let server: KeyServer;
/** How each answers now, by the path of its keys. */
let answers: Record<"/one" | "/two", RequestListener>;
beforeEach(async () => {
  server = await startKeyServer();
  answers = { "/one": keysOf(sample.keys.ed25519), "/two": keysOf(others) };
  server.answerBy((request, response) => answers[request.url === "/one" ? "/one" : "/two"](request, response));
});
afterEach(() => server[Symbol.asyncDispose]());

async function startBoth(times: Parameters<KeyServer["start"]>[0] = {}) {
  const at = (path: keyof typeof answers) => new URL(path, server.url).href;
  const configs = [{ jwks_uri: at("/one") }, { issuer: OTHER, jwks_uri: at("/two") }];
  const started = await server.start({ refreshMs: 30, ...times }, ...configs);
  const { keySets, issuers, events } = started;
  const { identify } = createIdentify({ issuers, keySets });
  const iat = Math.floor(Date.now() / 1_000);
  const bearer = (iss: string, pair: sample.KeyPair) =>
    sample.token(sample.claims({ iss, iat, exp: iat + 600 }), {}, "EdDSA", pair.privateKey);
  const outcome = (token: string) => {
    const caller = identify({ authorization: [`Bearer ${token}`] }, instant(Date.now()));
    return caller.kind === "refused" ? caller.reason : caller.kind;
  };
  const current = (issuer: string) => keySets.current(issuer, instant(Date.now()));
  const refreshed = (issuer: string) =>
    events.filter((event) => event.kind === "keys_refreshed" && event.issuer === issuer).length;
  return { ...started, bearer, outcome, current, refreshed };
}

test("tokens that one signs in the name of the other are refused, remembered or not, and its own are not", async () => {
  const { keySets, bearer, outcome, event } = await startBoth({ refreshMs: 60_000 });
  await using _ended = keySets;
  await event("keys_refreshed", 2);
  const swapped = [bearer(sample.ISSUER, others), bearer(OTHER, sample.keys.ed25519)];
  const honest = [bearer(sample.ISSUER, sample.keys.ed25519), bearer(OTHER, others)];
  for (let time = 0; time < 2; time += 1) {
    expect(swapped.map(outcome)).toEqual(["credential_signature_invalid", "credential_signature_invalid"]);
    expect(honest.map(outcome)).toEqual(["subject", "subject"]);
  }
});

test("when one rotates, what was remembered of its tokens stops, and the keys and tokens of the other stay", async () => {
  const { keySets, bearer, outcome, event, current } = await startBoth();
  await using _ended = keySets;
  await event("keys_refreshed", 2);
  const [mine, theirs, after] = [
    bearer(sample.ISSUER, sample.keys.ed25519),
    bearer(OTHER, others),
    bearer(OTHER, next),
  ];
  expect([mine, theirs, after].map(outcome)).toEqual(["subject", "subject", "credential_signature_invalid"]);
  const [kept, replaced] = [current(sample.ISSUER), current(OTHER)];
  answers["/two"] = keysOf(next);
  await until("the other's keys to change", () => current(OTHER) !== replaced);
  expect([mine, theirs, after].map(outcome)).toEqual(["subject", "credential_signature_invalid", "subject"]);
  expect(current(sample.ISSUER)).toBe(kept);
});

test("while one hangs, the other is refreshed and rotates, and the first keeps its last good keys", async () => {
  const { keySets, bearer, outcome, event, current, refreshed } = await startBoth({ timeoutMs: 60_000 });
  await using _ended = keySets;
  await event("keys_refreshed", 2);
  const kept = current(sample.ISSUER);
  let hanging = 0;
  answers["/one"] = () => void (hanging += 1);
  await until("a refresh that hangs", () => hanging === 1);
  const before = refreshed(OTHER);
  answers["/two"] = keysOf(next);
  await until("three more refreshes of the other", () => refreshed(OTHER) >= before + 3);
  expect([bearer(OTHER, next), bearer(OTHER, others)].map(outcome)).toEqual([
    "subject",
    "credential_signature_invalid",
  ]);
  expect(hanging).toBe(1);
  expect(current(sample.ISSUER)).toBe(kept);
  expect(outcome(bearer(sample.ISSUER, sample.keys.ed25519))).toBe("subject");
});

test("one that never answered has no keys, and its tokens are not looked at by the keys of the other", async () => {
  answers["/one"] = () => {};
  const { keySets, bearer, outcome, event } = await startBoth({ timeoutMs: 60_000 });
  await using _ended = keySets;
  await event("keys_refreshed");
  expect(outcome(bearer(sample.ISSUER, others))).toBe("keys_unavailable");
  expect(outcome(bearer(OTHER, others))).toBe("subject");
});
