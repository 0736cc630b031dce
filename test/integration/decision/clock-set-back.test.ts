/**
 * The wall clock of a running decision service is set back an hour, and right again later; its stream is in a real PostgreSQL, where somebody
 * tells grants and heartbeats by the right time. What is known goes on, nothing that had ended opens anything, and the decision log has every
 * decision once.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Grant } from "../../../core/domain/grant.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { checkOf } from "../../bench/check/sample-check.ts";
import { decisionsOn, wholeLogs } from "../../harness/decision-logs.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { type KeyPairFiles, makeKeyPair } from "../../harness/system/key-pair.ts";
import { deniedAs } from "./check-messages.ts";
import { claims, DEPLOYMENT, ISSUER, nowSeconds, startLoneDecision, token } from "./lone-decision.ts";
import { createRawEnforcer, outcomeOf } from "./raw-checks.ts";
import { type ToldGrants, tellGrants } from "./told-grants.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const [LIVE, ENDED] = ["43", "45"];

const owned = new AsyncDisposableStack();
let service: Decision;
let told: ToldGrants;
let signing: KeyPairFiles;
let enforcer: ReturnType<typeof createRawEnforcer>;
let asked = 0;

/** A window for deleting this order, from two hours ago to so long from now. */
function windowFor(order: string, leftMs: number): Grant {
  const now = Date.now();
  return {
    ...{ id: id("grant", randomUUID()), requestId: id("request", randomUUID()), denialId: id("denial", randomUUID()) },
    ...{ version: 1, person: undefined, issuer: ISSUER, subject: "dana", actors: [], state: "active", uses: 0 },
    ...{ maxUses: "unlimited", notBefore: instant(now - 2 * HOUR_MS), expiresAt: instant(now + leftMs) },
    ...{ entitlement: "orders-delete", scope: `order/${order}`, binding: { kind: "scope" } },
  };
}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "clock-set-back-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  // The one that has ended did so within the hour: by the clock that is set back, it has not.
  const grants = [windowFor(LIVE, HOUR_MS), windowFor(ENDED, -10 * MINUTE_MS)];
  told = owned.use(await tellGrants(grants, { folder, deployment: DEPLOYMENT }));
  signing = await makeKeyPair(folder, "signing");
  const { streamUrl, stateRelay } = told;
  service = owned.use(await startLoneDecision({ folder, name: "decision", signing, streamUrl, stateRelay }));
  enforcer = owned.adopt(createRawEnforcer(service.port), (one) => one.close());
  await service.untilFresh();
});
afterAll(() => owned.disposeAsync());

/** So many minutes from now, issued two hours ago: before the time that the clock is set to. */
const tokenFor = (minutes: number) =>
  token({ payload: claims({ iat: nowSeconds() - 7_200, exp: nowSeconds() + minutes * 60, jti: randomUUID() }) });

/** `allow`, or the denial's reasons and what it says of the nearest grant. */
async function said(method: "GET" | "DELETE", order: string, bearer: string): Promise<string> {
  asked += 1;
  const answer = await enforcer.answerTo(checkOf({ method, path: `/orders/${order}`, token: bearer }));
  if (typeof answer === "string" || outcomeOf(answer) !== "deny") return outcomeOf(answer);
  const { reasons, grant_reason: nearest } = deniedAs(answer);
  return [...reasons, ...(nearest === undefined ? [] : [nearest])].join(" ");
}

const logged = async (event: string) => (await service.log()).includes(`"event":"${event}"`);

test("what is known goes on, what ended stays ended, no grant opens anything meanwhile, and the decision log has no gap", async () => {
  const [known, expired, issuedSince] = [tokenFor(20), tokenFor(-90), token()];
  const reading = () => said("GET", "42", known);
  /** What of it was published in the time that there is for it. */
  const deleting = (order: string) =>
    waitUntil("the denial to be published", 30_000, async () => {
      const answer = await said("DELETE", order, known);
      return answer !== "request_unavailable" && answer;
    });
  const since = () => said("GET", "42", issuedSince);
  const onTime = async () => {
    expect(await reading()).toBe("allow");
    expect(await since()).toBe("allow");
    expect(await deleting(LIVE)).toBe("allow");
    expect(await deleting(ENDED)).toBe("needs_approval expired");
    expect(await said("GET", "42", expired)).toBe("credential_expired");
  };
  await onTime();

  await service.shiftClock(-HOUR_MS);
  await waitUntil("the service to know of its new time", 30_000, async () => {
    return (await since()) === "credential_not_yet_valid";
  });
  expect(await reading()).toBe("allow");
  expect(await said("GET", "42", tokenFor(20))).toBe("allow");
  expect(await said("GET", "42", expired)).toBe("credential_expired");
  await waitUntil("the service to say that its clock is behind", 30_000, () => logged("clock_skew"));
  for (const order of [LIVE, ENDED]) expect(await deleting(order)).toBe("grants_stale");
  expect(await reading()).toBe("allow");

  await service.shiftClock(0);
  await waitUntil("the service to say that its clock is right", 30_000, () => logged("clock_agrees"));
  await waitUntil("the live grant to open again", 30_000, async () => (await deleting(LIVE)) === "allow");
  await onTime();

  const ids = await waitUntil("every decision to be on the stream", 30_000, async () => {
    const logs = wholeLogs(await decisionsOn(told.streamUrl, { deployment: DEPLOYMENT, signing }));
    expect(logs.size).toBeLessThan(2);
    const records = [...logs.values()].flat();
    const found = records.flatMap((record) => (record.kind === "decision" ? record.decision_id : []));
    return found.length >= asked && found;
  });
  expect(ids).toHaveLength(asked);
  expect(new Set(ids).size).toBe(asked);
  expect(service.isRunning()).toBe(true);
});
