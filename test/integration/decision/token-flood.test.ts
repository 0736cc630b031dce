/**
 * 10,000 distinct tokens that are not to be believed, each thrown twice at the decision service as a process of its own while honest callers go on: each
 * of these is served, each of those is 401, and what the process remembers of them is bounded, by its own count.
 */
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { credentials } from "@grpc/grpc-js";
import { AuthorizationClient, type CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { metricLine } from "../../harness/metrics.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { checkOf } from "./ask-check.ts";
import { claims, startLoneDecision, token } from "./lone-decision.ts";

const BAD = 10_000;
const LANES = 16;
/** NB: a signature of any 64 bytes is as a rule out of range, and refused before it has cost anything. */
const forger = generateKeyPairSync("ed25519").privateKey;
const GOOD = 50;
/** The bounds of core/identity/token-cache.ts; what is refused has a place of its own. */
const MOST_REFUSED = 2_000;

let folder: string;
let service: Decision;
let client: AuthorizationClient;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flood-"));
  service = await startLoneDecision({ folder, name: "decision" });
  client = new AuthorizationClient(`127.0.0.1:${service.port}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await service.kill();
  await rm(folder, { recursive: true, force: true });
});

/** `allow`, or the status of the denial. */
async function check(bearer: string): Promise<string> {
  const { httpResponse } = await new Promise<CheckResponse>((resolve, reject) => {
    client.check(checkOf("/orders/42", [`Bearer ${bearer}`]), (error, answer) =>
      error === null ? resolve(answer) : reject(error),
    );
  });
  if (httpResponse?.$case !== "deniedResponse") return "allow";
  return String(httpResponse.value.status?.code);
}

/** How many tokens of this outcome the service says that it remembers. */
async function remembered(outcome: string): Promise<number> {
  const sample = `countersign_decision_tokens_remembered{outcome="${outcome}"} `;
  return Number((await metricLine(service.opsUrl, sample))?.slice(sample.length));
}

/** Forged in its signature, its key id, its issuer, or in being too long; each another text. */
function bad(index: number): string {
  const padding = index % 97 === 0 ? "x".repeat(15_000) : "x".repeat(index % 2_000);
  if (index % 4 === 0) return token({ header: { kid: `nobody-${index}` } });
  if (index % 4 === 1) return token({ payload: claims({ iss: `https://evil-${index}.example` }) });
  const payload = claims({ n: index, padding });
  return token({ payload, key: forger });
}

test("every honest call among them is allowed, every other is 401, and no more of those are remembered than there is room for", async () => {
  const good = Array.from({ length: GOOD }, (_, index) => token({ payload: claims({ sub: `user-${index}` }) }));
  const outcomes = { bad: new Set<string>(), good: new Set<string>(), honest: 0 };
  /** NB: what is refused once is not remembered. */
  const ask = async (index: number) => {
    const bearer = bad(index);
    for (let sight = 0; sight < 2; sight += 1) outcomes.bad.add(await check(bearer));
  };
  let next = 0;
  const lane = async () => {
    while (next < BAD) await ask(next++);
  };
  let isOver = false;
  const flooding = Promise.all(Array.from({ length: LANES }, lane)).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    outcomes.good.add(await check(good[outcomes.honest % good.length] ?? ""));
    outcomes.honest += 1;
  }
  await flooding;
  expect([...outcomes.bad]).toEqual(["401"]);
  expect([...outcomes.good]).toEqual(["allow"]);
  expect(outcomes.honest).toBeGreaterThan(100);
  // All good ones are still known; of the others the newest.
  expect(await remembered("accepted")).toBe(GOOD);
  const refused = await remembered("refused");
  expect(refused).toBeGreaterThan(100);
  expect(refused).toBeLessThanOrEqual(MOST_REFUSED);
  expect(await check(token())).toBe("allow");
}, 300_000);
