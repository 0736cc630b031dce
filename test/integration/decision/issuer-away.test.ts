/** A decision service that starts while one of its identity providers is away, and has no keys of it from before: the others' people are served. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { createEnforcer } from "./ask-check.ts";
import { AUDIENCE, claims, honestKey, ISSUER, startLoneDecision, token } from "./lone-decision.ts";

const AWAY = "https://away.example";
let folder: string;
let decision: Decision;
let enforcer: ReturnType<typeof createEnforcer>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "issuer-away-"));
  const issuer = (name: string, file: string) => ({
    ...{ issuer: name, audience: [AUDIENCE], algorithms: ["EdDSA"], jwks_file: join(folder, file) },
  });
  const issuers = [issuer(ISSUER, "decision-keys.json"), issuer(AWAY, "away.json")];
  decision = await startLoneDecision({ folder, name: "decision", identity: { issuers } });
  enforcer = createEnforcer(decision.port);
});
afterAll(async () => {
  enforcer.close();
  await decision.kill();
  await rm(folder, { recursive: true, force: true });
});

const ofAway = (changes: object = {}) => enforcer.outcome(token({ payload: claims({ iss: AWAY, ...changes }) }));

test("whoever the issuer vouches for is refused and told why, everybody else is served, and operators are told", async () => {
  expect(await ofAway()).toBe("503 keys_unavailable");
  expect(await enforcer.outcome(token())).toBe("allow");
  const response = await fetch(`${decision.opsUrl}/readyz`);
  expect([response.status, await response.text()]).toEqual([
    200,
    expect.stringContaining(`"keys":{"status":"degraded","detail":"no usable keys of ${AWAY}"}`),
  ]);
  expect(await decision.log()).toContain('"event":"keys_not_read"');
});

test("when it is back, its people are served without a restart", async () => {
  const jwk = { ...honestKey.publicKey.export({ format: "jwk" }), kid: "honest", alg: "EdDSA", use: "sig" };
  await writeFile(join(folder, "away.json"), JSON.stringify({ keys: [jwk] }));
  await waitUntil("its keys to be read", 60_000, async () => (await ofAway()) === "allow");
});
