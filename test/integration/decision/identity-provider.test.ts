/**
 * An identity provider that misbehaves while the decision service runs, looked at again by SIGHUP: whatever it does, calls with good tokens are
 * allowed meanwhile and none waits for it; a key that is added counts, and one that is removed stops.
 */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { createEnforcer } from "./ask-check.ts";
import { AUDIENCE, claims, honestKey, ISSUER, startLoneDecision, token } from "./lone-decision.ts";

/** A look at the provider is given up after 5 s; a call that waited for one would take about as long. */
const FAR_FROM_WAITING_MS = 2_000;
const CALLS_MEANWHILE = 30;

const next = generateKeyPairSync("ed25519");
const jwk = (kid: string, key: KeyObject) => ({ ...key.export({ format: "jwk" }), kid, alg: "EdDSA", use: "sig" });
const HONEST = jwk("honest", honestKey.publicKey);
const NEXT = jwk("next", next.publicKey);

const owned = new AsyncDisposableStack();
let answer: RequestListener = json({ keys: [HONEST] });
let asked = 0;
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
    if (request.url === "/elsewhere") redirectedTo += 1;
    asked += 1;
    answer(request, response);
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
}, 60_000);
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

/** SIGHUP, calls until the look at the provider has ended, and what was said of it. */
async function lookAgain(): Promise<string> {
  const before = (await said()).length;
  const askedBefore = asked;
  decision.reload();
  await waitUntil("the provider to be asked", 10_000, () => asked > askedBefore);
  let calls = 0;
  return waitUntil("the look to end", 20_000, async () => {
    for (let n = 0; n < CALLS_MEANWHILE; n += 1, calls += 1) {
      const began = performance.now();
      expect(await enforcer.outcome(fresh())).toBe("allow");
      expect(performance.now() - began).toBeLessThan(FAR_FROM_WAITING_MS);
    }
    return (await said())[before];
  });
}

const filler = Buffer.alloc(64 * 1_024, 0x20);
test.each<[string, RegExp, RequestListener]>([
  ["hangs", /timeout/, () => {}],
  ["hangs in the middle of its answer", /timeout/, (_request, response) => void response.write('{"keys":[')],
  ["answers 503", /status/, (_request, response) => void response.writeHead(503).end(JSON.stringify({ keys: [NEXT] }))],
  [
    "sends 10 MB",
    /too_large/,
    (_request, response) => {
      let left = 160;
      const more = (): void => {
        left -= 1;
        if (left === 0) response.end();
        else response.write(filler, more);
      };
      more();
    },
  ],
  [
    "redirects to other keys",
    /redirect/,
    (request, response) => {
      if (request.url === "/elsewhere") json({ keys: [NEXT] })(request, response);
      else response.writeHead(302, { location: "/elsewhere" }).end();
    },
  ],
  ["has no keys any more", /no_usable_key/, json({ keys: [] })],
])(
  "one that %s takes no key away and holds up no call; what it brings along is not believed",
  async (_what, reason, listener) => {
    answer = listener;
    expect(await lookAgain()).toMatch(reason);
    expect(await enforcer.outcome(byNext())).toBe("401 credential_key_unknown");
    expect(redirectedTo).toBe(0);
  },
  40_000,
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
  await waitUntil("the removed key to stop", 10_000, async () => {
    return (await enforcer.outcome(fresh())) === "401 credential_key_unknown";
  });
  expect(await enforcer.outcome(remembered)).toBe("401 credential_key_unknown");
  expect(await enforcer.outcome(byNext({ jti: "after" }))).toBe("allow");
}, 40_000);
