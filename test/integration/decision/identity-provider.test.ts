/**
 * An identity provider that misbehaves while the decision service runs, looked at again by SIGHUP: whatever it does, calls with good tokens are
 * allowed and those with an unknown key refused while it holds its answer; a key that is added counts, and one that is removed stops.
 */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { createEnforcer } from "./ask-check.ts";
import { hold, type Manner } from "./held-provider.ts";
import { AUDIENCE, claims, honestKey, ISSUER, startLoneDecision, token } from "./lone-decision.ts";

/** Of each kind, all at once. A look at the provider is given up after 5 s, and they take a small part of that. */
const CALLS_MEANWHILE = 10;

const next = generateKeyPairSync("ed25519");
const jwk = (kid: string, key: KeyObject) => ({ ...key.export({ format: "jwk" }), kid, alg: "EdDSA", use: "sig" });
const HONEST = jwk("honest", honestKey.publicKey);
const NEXT = jwk("next", next.publicKey);

const owned = new AsyncDisposableStack();
let answer: RequestListener = json({ keys: [HONEST] });
let redirectedTo = 0;
let decision: Decision;
let enforcer: ReturnType<typeof createEnforcer>;

function json(body: object): RequestListener {
  return (_request, response) => void response.end(JSON.stringify(body));
}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "identity-provider-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const provider = createServer((request, response) => {
    if (request.url !== "/elsewhere") return answer(request, response);
    redirectedTo += 1;
    json({ keys: [NEXT] })(request, response);
  });
  provider.listen(0, "127.0.0.1");
  await once(provider, "listening");
  owned.defer(() => provider.closeAllConnections());
  owned.defer(() => void provider.close());
  const address = provider.address();
  const { port }: Pick<AddressInfo, "port"> = typeof address === "object" && address !== null ? address : { port: 0 };
  const issuer = {
    issuer: ISSUER,
    audience: [AUDIENCE],
    algorithms: ["EdDSA"],
    jwks_uri: `http://127.0.0.1:${port}/keys`,
  };
  decision = owned.use(await startLoneDecision({ folder, name: "decision", identity: { issuers: [issuer] } }));
  enforcer = createEnforcer(decision.port);
  owned.defer(() => enforcer.close());
});
afterAll(() => owned.disposeAsync());

/** Each another one, so that none is remembered. */
let told = 0;
const fresh = () => token({ payload: claims({ jti: `${(told += 1)}` }) });
const byNext = (changes: object = {}) =>
  token({ header: { kid: "next" }, payload: claims(changes), key: next.privateKey });

/** What the service has said of the issuer's keys so far: taken, or why not. */
async function said(): Promise<readonly string[]> {
  const lines = (await decision.log()).split("\n").filter((line) => line.includes('"part":"issuer_keys"'));
  return lines.map((line) => (line.includes('"event":"reloaded"') ? "reloaded" : line));
}

/** SIGHUP, and what was said of the look at the provider once it had ended. */
async function lookAgain(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<string> {
  const before = (await said()).length;
  decision.reload();
  await meanwhile();
  return waitUntil("the look to end", 20_000, async () => (await said())[before]);
}

const FILLER = Buffer.alloc(64 * 1_024, 0x20);
/** One after the other, as they are taken. */
function dribble(response: ServerResponse, left: number): void {
  if (left === 0) response.end();
  else response.write(FILLER, () => dribble(response, left - 1));
}

test.each<[string, RegExp, Manner]>([
  ["hangs", /timeout/, {}],
  ["hangs in the middle of its answer", /timeout/, { first: (response) => void response.write('{"keys":[') }],
  ["answers 503", /status/, { rest: (response) => void response.writeHead(503).end(JSON.stringify({ keys: [NEXT] })) }],
  [
    "sends 10 MB",
    /too_large/,
    { first: (response) => void response.write(FILLER), rest: (response) => dribble(response, 159) },
  ],
  [
    "redirects to other keys",
    /redirect/,
    { rest: (response) => void response.writeHead(302, { location: "/elsewhere" }).end() },
  ],
  ["has no keys any more", /no_usable_key/, { rest: (response) => void response.end('{"keys":[]}') }],
])(
  "one that %s holds up no call while it is asked, takes no key away, and what it brings along is not believed",
  async (_what, reason, manner) => {
    const remembered = fresh();
    expect(await enforcer.outcome(remembered)).toBe("allow");
    const held = hold(manner);
    answer = held.listener;
    const outcome = await lookAgain(async () => {
      const response = await held.received;
      const known = [remembered, ...Array.from({ length: CALLS_MEANWHILE }, fresh)];
      const unknown = Array.from({ length: CALLS_MEANWHILE }, () => byNext({ jti: `${(told += 1)}` }));
      const outcomes = await Promise.all([...known, ...unknown].map((bearer) => enforcer.outcome(bearer)));
      // All are answered, and the provider has not: had one waited for it, either its answer or the look at it would have ended first.
      expect({ ended: response.writableEnded, left: response.destroyed }).toEqual({ ended: false, left: false });
      expect(outcomes).toEqual([...known.map(() => "allow"), ...unknown.map(() => "401 credential_key_unknown")]);
      held.letGo();
    });
    expect(outcome).toMatch(reason);
    expect(await enforcer.outcome(fresh())).toBe("allow");
    expect(await enforcer.outcome(byNext())).toBe("401 credential_key_unknown");
    expect(redirectedTo).toBe(0);
  },
);

test("one that rotates: the new key counts beside the old one, and the old one stops as soon as it is gone, remembered or not", async () => {
  const remembered = fresh();
  expect(await enforcer.outcome(remembered)).toBe("allow");
  answer = json({ keys: [HONEST, NEXT] });
  expect(await lookAgain()).toBe("reloaded");
  expect(await enforcer.outcome(byNext())).toBe("allow");
  expect(await enforcer.outcome(remembered)).toBe("allow");
  answer = json({ keys: [NEXT] });
  decision.reload();
  await waitUntil("the removed key to stop", 20_000, async () => {
    return (await enforcer.outcome(fresh())) === "401 credential_key_unknown";
  });
  expect(await enforcer.outcome(remembered)).toBe("401 credential_key_unknown");
  expect(await enforcer.outcome(byNext({ jti: "after" }))).toBe("allow");
});
