/**
 * Ten thousand and more CheckRequests, each an honest one changed in one field, against the decision service as a process with what it has in
 * production behind it: a stream that tells it grants and takes its denials, and the approval service's redemption server on a real database.
 * The honest ones are denied by the policy, need an approval while grants for something near are live, or show a credential that is not
 * believed: so whatever a change does, none of them may be allowed, and each has to be answered by an explicit denial. Prints its seed;
 * TEST_SEED repeats it.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileRegistry, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { TOPICS } from "../../../core/messages/topics.ts";
import { systemClock } from "../../../platform/clock.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { startRedemptionServer } from "../../../services/approval/grpc/redemption-server.ts";
import { sampleCheck } from "../../bench/check/sample-check.ts";
import { seeded } from "../../fault/seeded.ts";
import { growthOver, HEAP_AFTER_GC, LEAKING_BYTES } from "../../harness/held-bytes.ts";
import { decodedChange } from "../../harness/decoded-change.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { fieldPaths, lastOf, nameOf, plainRecord, strangeRecord, withRecord } from "../../harness/wire-mutation.ts";
import { createApproval } from "../approval/approval-fixture.ts";
import { claimOf } from "../approval/redeeming.ts";
import { deniedAs } from "./check-messages.ts";
import { closedChecks, openChecks, openGrants, SPENT_GRANT } from "./closed-checks.ts";
import { DEPLOYMENT, SERVICE_TOKEN, startLoneDecision, token } from "./lone-decision.ts";
import { createRawEnforcer, outcomeOf } from "./raw-checks.ts";
import { type ToldGrants, tellGrants } from "./told-grants.ts";

/** What is compiled, and what is kept on purpose (a denial for five minutes, a token until its cache is full), comes early, before it is measured. */
const ROUNDS = { warmUp: 3_000, rounds: 15, calls: 1_000 };
const CHECKS = ROUNDS.warmUp + ROUNDS.rounds * ROUNDS.calls;
const AT_ONCE = 32;
/** Of all changed checks; about a tenth each. Less means that the changes have stopped coming so far. */
const LEAST_SHARE = 0.02;
/** Checks with a changed header whose token was believed; about a hundred. None means that one header is changed and the others are gone. */
const LEAST_BESIDE_TOKEN = 20;
const HEADERS = "envoy.config.core.v3.HeaderMap.headers";
const DESCRIPTOR = new URL("../../../proto/descriptor/check.binpb", import.meta.url);

const owned = new AsyncDisposableStack();
let service: Decision;
let told: ToldGrants;
let enforcer: ReturnType<typeof createRawEnforcer>;
let desc: DescMessage;
let usesAsked = 0;

beforeAll(async () => {
  const found = createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(DESCRIPTOR))).getMessage(
    "envoy.service.auth.v3.CheckRequest",
  );
  if (found === undefined) throw new Error("no descriptor of CheckRequest");
  desc = found;
  const folder = await mkdtemp(join(tmpdir(), "mutated-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const approval = owned.adopt(await createApproval(), (one) => one.close());
  const spent = await approval.grant(SPENT_GRANT);
  expect(await approval.store.redeem(claimOf(spent))).toMatchObject({ kind: "redeemed" });
  const redemption = owned.use(
    await startRedemptionServer(
      {
        redeem: (claim) => {
          usesAsked += 1;
          return approval.store.redeem(claim);
        },
        log: createLog({ name: "test", level: "silent" }),
        ...{ metrics: createMetrics({ prefix: "t_" }), monotonicMs: systemClock.monotonicMs },
      },
      { host: "127.0.0.1", port: 0, tls: undefined, serviceToken: () => SERVICE_TOKEN },
    ),
  );
  told = owned.use(await tellGrants([...openGrants(), spent], { folder, deployment: DEPLOYMENT }));
  service = owned.use(
    await startLoneDecision({
      ...{ folder, name: "decision", streamUrl: told.streamUrl, stateRelay: told.stateRelay, preload: [HEAP_AFTER_GC] },
      further: { redemption: { address: `127.0.0.1:${redemption.port}` } },
    }),
  );
  enforcer = owned.adopt(createRawEnforcer(service.port), (one) => one.close());
  await service.untilFresh();
});
afterAll(() => owned.disposeAsync());
afterEach(async () => {
  expect(service.isRunning()).toBe(true);
  expect(await enforcer.ask(sampleCheck("GET", token()))).toBe("allow");
});

type Said = { readonly words: readonly string[]; readonly denialId: string | undefined };

/** The outcome of a check with its reasons, and what is said of the nearest grant. */
async function said(bytes: Uint8Array): Promise<Said> {
  const answer = await enforcer.answerTo(bytes);
  if (typeof answer === "string" || outcomeOf(answer) !== "deny")
    return { words: [outcomeOf(answer)], denialId: undefined };
  const { outcome, reasons, grant_reason: nearest, denial_id: denialId } = deniedAs(answer);
  return { words: [...new Set([outcome, ...reasons, ...(nearest === undefined ? [] : [nearest])])], denialId };
}

test("the grants open what they are for", async () => {
  for (const bytes of openChecks()) expect(await enforcer.ask(bytes)).toBe("allow");
});

test("the honest checks are closed each in its own way: a grant is for another order or body, or spent; a rule denies; nobody is believed; no rule allows", async () => {
  const closed = closedChecks();
  const asked = usesAsked;
  // Of a machine that is busy; a use that was not answered in time is spent.
  const isLate = (word: string) => word === "request_unavailable" || word === "redemption_unknown";
  const answers = await waitUntil("the denials to be published", 30_000, async () => {
    const all = await Promise.all(closed.map(({ bytes }) => said(bytes)));
    return all.some(({ words }) => words.some(isLate)) ? undefined : all;
  });
  expect(answers.map(({ words }) => words)).toEqual(closed.map(({ said: expected }) => expected));
  expect(answers.map(({ denialId }) => denialId !== undefined)).toEqual([true, true, true, false, false, false]);
  expect(usesAsked).toBeGreaterThan(asked);
});

test(`of ${CHECKS} changed checks, in every field of the descriptor, none is allowed, none unanswered, and memory stays flat`, async () => {
  const { seed, below } = seeded();
  process.stdout.write(`TEST_SEED=${seed}\n`);
  const random = () => below(2 ** 32) / 2 ** 32;
  const bases = closedChecks().map(({ bytes }) => bytes);
  const paths = fieldPaths(desc);
  const changedFields = new Set<string>();
  const outcomes = new Map<string, number>();
  const wrong: string[] = [];
  const denials = new Set<string>();
  const asked = usesAsked;
  let besideToken = 0;
  let at = 0;
  const next = async () => {
    const path = paths[at++ % paths.length];
    const base = bases[below(bases.length)];
    if (path === undefined || base === undefined) throw new Error("nothing to change");
    const bytes = withRecord(base, path, strangeRecord(lastOf(path), random), random);
    changedFields.add(nameOf(lastOf(path)));
    const { words, denialId } = await said(bytes);
    const [outcome = ""] = words;
    const word = words.join(" ");
    outcomes.set(word, (outcomes.get(word) ?? 0) + 1);
    if (denialId !== undefined) denials.add(denialId);
    if (outcome === "needs_approval" && path.some((step) => nameOf(step) === HEADERS)) besideToken += 1;
    if (outcome !== "deny" && outcome !== "needs_approval")
      wrong.push(`${outcome}: ${path.map(nameOf).join(" > ")} ${Buffer.from(bytes).toString("base64")}`);
  };
  const growth = await growthOver("changed checks", service, ROUNDS, async (count) => {
    const until = at + count;
    const worker = async () => {
      while (at < until) await next();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  });

  expect(wrong.slice(0, 3)).toEqual([]);
  expect([...outcomes.values()].reduce((sum, one) => sum + one, 0)).toBe(CHECKS);
  expect(changedFields).toEqual(everyField(desc));
  for (const nearest of ["outside", "spent"])
    expect(outcomes.get(`needs_approval ${nearest}`)).toBeGreaterThan(LEAST_SHARE * CHECKS);
  expect(besideToken).toBeGreaterThan(LEAST_BESIDE_TOKEN);
  expect(usesAsked - asked).toBeGreaterThan(LEAST_SHARE * CHECKS);
  expect(denials.size).toBeGreaterThan(20);
  const published = await told.stream.endOffsets(TOPICS.denials.name, { deadlineMs: 30_000 });
  expect(Number([...published.values()].reduce((sum, end) => sum + end, 0n))).toBeGreaterThanOrEqual(denials.size);
  expect(growth).toBeLessThan(LEAKING_BYTES);
}, 600_000);

test("and each field is where the service reads it: decoded it is another, all else as it was; no such check is allowed either", async () => {
  const { below } = seeded();
  const random = () => below(2 ** 32) / 2 ** 32;
  const bases = closedChecks().map(({ bytes }) => bytes);
  const reached = new Set<string>();
  for (const path of fieldPaths(desc)) {
    const name = path.map(nameOf).join(" > ");
    const told = bases.map(async (base) => {
      const bytes = withRecord(base, path, plainRecord(lastOf(path)), random);
      const { changed, lost } = decodedChange(desc, path, base, bytes);
      const { words } = await said(bytes);
      return { name, places: changed.length, lost, isClosed: words[0] === "deny" || words[0] === "needs_approval" };
    });
    for (const one of await Promise.all(told)) expect(one).toEqual({ name, places: 1, lost: [], isClosed: true });
    reached.add(nameOf(lastOf(path)));
  }
  expect(reached).toEqual(everyField(desc));
}, 600_000);

/** Found otherwise than the paths: all fields of all messages that any field refers to, and key and value of each map's entries. */
function everyField(root: DescMessage): ReadonlySet<string> {
  const messages = new Set([root]);
  for (const message of messages)
    for (const { message: inner } of message.fields) if (inner !== undefined) messages.add(inner);
  const fields = [...messages].flatMap((message) => message.fields);
  const inEntries = fields
    .filter(({ fieldKind }) => fieldKind === "map")
    .flatMap((field) => [nameOf({ field, part: "key" }), nameOf({ field, part: "value" })]);
  return new Set([...fields.map((field) => nameOf({ field })), ...inEntries]);
}
