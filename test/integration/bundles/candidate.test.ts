/** The thread of the candidate with the committed sample: what it agrees with, and that its end is the end of nothing else. */
import { afterEach, expect, test } from "@jest/globals";
import { NO_RESPONSE_FIELDS } from "../../../core/domain/decision.ts";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { type Candidate, type CandidateOptions, createCandidate } from "../../../services/decision/shadow/candidate.ts";
import type { Job } from "../../../services/decision/shadow/candidate-messages.ts";
import { changed, sampleFiles } from "../../harness/signed-bundle.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";

const settings = { defaultRealm: "corp", budget: DEFAULT_BUDGET };
let owned = new AsyncDisposableStack();
afterEach(async () => {
  await owned.disposeAsync();
  owned = new AsyncDisposableStack();
});

function start(options: Partial<CandidateOptions> = {}): {
  readonly candidate: Candidate;
  readonly lost: () => number;
} {
  let lost = 0;
  const candidate = owned.use(createCandidate({ onLost: () => void lost++ }, { settings, ...options }));
  return { candidate, lost: () => lost };
}

function job(groups: readonly string[]): Job {
  const subject = { properties: { groups } };
  return {
    ...{ decisionId: "d", revision: "r", nowNs: 1_795_514_400_000_000_000n },
    inputJson: JSON.stringify({ action: { name: "GET" }, parsed_path: ["orders"], subject }),
    said: { mode: "native", verdict: { kind: "allow", reasons: ["orders_read"], response: NO_RESPONSE_FIELDS } },
  };
}

test("a bundle that the host refuses is refused, and the one before it goes on being compared", async () => {
  const { candidate } = start();
  const files = await sampleFiles();
  expect(await candidate.activate(changed(files, "bad", { "policy.wasm": "x" }))).toMatchObject({ kind: "refused" });
  expect(candidate.isActive()).toBe(false);
  expect(await candidate.activate(changed(files, "good"))).toMatchObject({ kind: "activated", revision: "good" });
  expect(await candidate.activate(changed(files, "bad", { "data.json": "[]" }))).toMatchObject({ kind: "refused" });
  expect(await candidate.compare([job(["engineers"]), job(["sales"])])).toMatchObject({
    revision: "good",
    agreed: 1,
    differing: [{ differences: ["outcome"], candidate: { outcome: "deny" } }],
  });
});

test("a thread that runs out of memory over a bundle refuses it, and is started anew with the one before", async () => {
  const { candidate, lost } = start({ heapMib: 96 });
  const files = await sampleFiles();
  await candidate.activate(files);
  // NB: cases are read in the thread that is looked at here, and by our own parser take far more than by V8's; in small pieces, since a thread is
  // ended between two allocations, and takes the process along where one of them alone goes beyond what it has.
  const cases = `{"cases": [${`[${"1.5,".repeat(999)}1.5],`.repeat(1_500)}[]]}`;
  const large = changed(files, "large", { "self-test.json": cases });
  const answers = await Promise.all([candidate.activate(large), candidate.compare([job(["engineers"])])]);
  expect(answers[0]).toMatchObject({ kind: "refused", reason: "thread_ended" });
  expect(lost()).toBe(1);
  await waitUntil("the candidate to be back", 30_000, () => candidate.isActive());
  expect(await candidate.compare([job(["engineers"])])).toMatchObject({ agreed: 1, differing: [] });
});
