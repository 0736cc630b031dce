/**
 * Bundles are swapped under the running decision service while 32 callers ask it without a pause: no call fails, none is denied, and the
 * service's own log says of each which revision decided it, which is the one that was active when it was asked or the one that was coming in.
 */
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { BundleFiles } from "../../../core/policy/bundles/bundle-files.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { bundleKey, changed, nowSeconds, sampleFiles, signedArchive } from "../../harness/signed-bundle.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { createEnforcer } from "./ask-check.ts";
import { startLoneDecision, token } from "./lone-decision.ts";

const CALLERS = 32;
/** How late a call may be is what `npm run bench -- bundle-swap` looks at. */
const LATE = { deadlineMs: 10_000 };
const described = Compile(Type.Object({ active: Type.Object({ revision: Type.String() }) }));
const logged = Compile(Type.Object({ decision_id: Type.String(), policy_revision: Type.String() }));

const key = bundleKey("policy-1");
/** The bundle that decides first, and the five that follow it, each with another module or other data than the one before. */
let bundles: readonly BundleFiles[];
let folder: string;
let decision: Decision;

const revisionOf = (at: number) => `revision-${at}`;

async function write(at: number): Promise<void> {
  const archive = join(folder, "bundle.tar.gz");
  const issuedAt = nowSeconds() - 60 + at; // each newer than the one before
  await writeFile(`${archive}.new`, await signedArchive(bundles[at] ?? new Map(), key, { issuedAt }));
  await rename(`${archive}.new`, archive);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hot-swap-"));
  const sample = await sampleFiles();
  // As much as a company of forty thousand has: it stays for the modules that follow.
  const users = Object.fromEntries(
    Array.from({ length: 40_000 }, (_, at) => [`user-${at}`, { groups: ["engineers", `team-${at % 97}`] }]),
  );
  const module = (mark: number) => ({
    "policy.wasm": Buffer.concat([sample.get("policy.wasm") ?? Buffer.alloc(0), Buffer.from([0, 3, 1, 0x78, mark])]),
  });
  const data = (mark: number) => ({ "data.json": JSON.stringify({ countersign: { requires: {}, mark, users } }) });
  bundles = [{}, module(1), data(2), module(3), data(4), module(5)].reduce<readonly BundleFiles[]>(
    (before, change, at) => [...before, changed(before.at(-1) ?? sample, revisionOf(at), change)],
    [],
  );
  await write(0);
  await writeFile(join(folder, "policy-1.pem"), key.publicPem);
  const trust = { unsigned: "refused", trustedKeys: { "policy-1": join(folder, "policy-1.pem") } };
  const bundle = join(folder, "bundle.tar.gz");
  decision = await startLoneDecision({ folder, name: "decision", bundle, trust, hasOwnClock: false, listen: LATE });
});
afterAll(async () => {
  await decision?.kill();
  await rm(folder, { recursive: true, force: true });
});

async function activeRevision(): Promise<string> {
  const answer = await fetch(`${decision.opsUrl}/v1/bundle`, { signal: AbortSignal.timeout(30_000) });
  return described.Parse(await answer.json()).active.revision;
}

/** Of the decisions in the service's log on disk, by id; nothing is shipped, since there is no stream. */
async function revisionsOnRecord(): Promise<ReadonlyMap<string, string>> {
  const spool = join(folder, "decision-log");
  const names = (await readdir(spool)).filter((name) => name.endsWith(".log"));
  const texts = await Promise.all(names.map((name) => readFile(join(spool, name), "utf8")));
  const records = texts.flatMap((text) => text.split("\n").filter((line) => line.includes('"decision_id"')));
  return new Map(
    records.map((line) => logged.Parse(JSON.parse(line))).map((one) => [one.decision_id, one.policy_revision]),
  );
}

test("across five swaps every one of 32 concurrent callers is allowed every time, by the revision that was active or the one that replaced it", async () => {
  /** `before`: active when the call was sent. `next`: written when it was answered. */
  const answered: { readonly decisionId: string; readonly before: number; readonly next: number }[] = [];
  const failed: unknown[] = [];
  const swap = { active: 0, written: 0 };
  /** What was active when each caller sent the call that it waits for. */
  const sentUnder = Array.from({ length: CALLERS }, () => -1);
  const stop = new AbortController();
  const enforcer = createEnforcer(decision.port);
  const bearer = token();
  const calling = Promise.all(
    sentUnder.map(async (_, caller) => {
      while (!stop.signal.aborted) {
        const before = swap.active;
        sentUnder[caller] = before;
        await enforcer.allowed(bearer).then(
          (decisionId) => answered.push({ decisionId, before, next: swap.written }),
          (error: unknown) => failed.push(error),
        );
      }
    }),
  );

  try {
    await waitUntil("the first answers", 30_000, () => answered.length + failed.length >= CALLERS);
    for (let next = 1; next < bundles.length; next += 1) {
      swap.written = next;
      await write(next);
      decision.reload();
      await waitUntil(
        `the swap to ${revisionOf(next)}`,
        20_000,
        async () => (await activeRevision()) === revisionOf(next),
      );
      swap.active = next;
      // So no call is under way across two swaps.
      await waitUntil("a new call of every caller", 30_000, () => sentUnder.every((under) => under === next));
    }
  } finally {
    stop.abort();
    await calling;
    enforcer.close();
  }

  expect(failed).toEqual([]);
  const onRecord = await revisionsOnRecord();
  const wrong = answered.filter(({ decisionId, before, next }) => {
    const by = onRecord.get(decisionId);
    return next > before + 1 || (by !== revisionOf(before) && by !== revisionOf(next));
  });
  expect(wrong).toEqual([]);
  // Asked all the time: while each of the five was read, checked, compiled and swapped in.
  for (let next = 1; next < bundles.length; next += 1) {
    expect(answered.filter((one) => one.before < next && one.next === next).length).toBeGreaterThan(CALLERS);
  }
  const decidedBy = new Set(answered.map(({ decisionId }) => onRecord.get(decisionId)));
  expect(decidedBy).toEqual(new Set(bundles.map((_, at) => revisionOf(at))));
}, 300_000);
