/**
 * One whole check without transport, and each of its steps alone, in this process: microseconds of each, garbage collection included. It is
 * given a number of subjects with grants, of whom as many ask in turn whatever their number, spread over all: whose grant was looked at last is where
 * the processor has it at hand. A step alone says where the time goes; only the whole check decides.
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { allowByGrant } from "../../../core/domain/decision.ts";
import { id } from "../../../core/domain/id.ts";
import { createDecisionInput } from "../../../core/policy/envoy-input/decision-input.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { createAllowBytes } from "../../../services/decision/ext-authz/allow-bytes.ts";
import { evaluationFrom } from "../../../services/decision/ext-authz/check-request.ts";
import { readCheck } from "../../../services/decision/ext-authz/read-check.ts";
import { claims, token } from "../../integration/decision/lone-decision.ts";
import { answerWith, given } from "../child.ts";
import { cpuTime } from "../cpu-time.ts";
import { compose, readClocks } from "./composed.ts";
import { sampleCheck, subjectNamed } from "./sample-check.ts";

const WARM_UPS = 3_000;
const ASKING = 1_000;
const LEFT = { leftMs: () => 1_000, within: () => LEFT };

const { subjects, repeats } = Compile(Type.Object({ subjects: Type.Integer(), repeats: Type.Integer() })).Parse(
  await given(),
);
await using parts = await compose(subjects);
// What the grants' arrival left behind is not a check's garbage; what a large heap costs afterwards is measured.
globalThis.gc?.();
parts.beat();
const asking = Array.from({ length: Math.min(ASKING, subjects) }, (_, at) =>
  subjectNamed(Math.floor((at * subjects) / ASKING)),
);
const requests = asking.map((sub) => sampleCheck("DELETE", token({ payload: claims({ sub }) })));
const [bytes = Buffer.alloc(0)] = requests;

/** Each in its turn. */
function inTurn<T>(all: readonly T[], step: (one: T) => unknown): () => unknown {
  let next = 0;
  return () => {
    const one = all[next];
    next = (next + 1) % all.length;
    return one === undefined ? undefined : step(one);
  };
}

async function check(sent: Buffer): Promise<void> {
  const request = readCheck(sent);
  const answer = await parts.check({ kind: "request", request, bytes: sent }, LEFT, { shed: false });
  // A status of zero bytes, which is OK.
  if (!Buffer.isBuffer(answer) || answer[0] !== 0x0a || answer[1] !== 0) throw new Error("not allowed");
}

const whole = inTurn(requests, check);

const timed = (step: () => unknown) => cpuTime(step, repeats, parts.beat);

for (let call = 0; call < WARM_UPS; call += 1) {
  if (call % 1_000 === 0) parts.beat();
  await whole();
}

const request = readCheck(bytes);
const { evaluation } = evaluationFrom(request, id("decision", uuidv7()));
const subjectOf = (sent: Buffer) => {
  const { credentials } = evaluationFrom(readCheck(sent), evaluation.decisionId).evaluation;
  const caller = parts.identify.identify(credentials, readClocks().wall);
  if (caller.kind !== "subject") throw new Error("the token is not believed");
  return caller.subject;
};
const subject = subjectOf(bytes);
const context = parts.context.gather(evaluation, readClocks(), undefined);
const { call } = evaluation;
const input = createDecisionInput({ call }, subject, context, parts.host.inputReads());
if (input.kind !== "input") throw new Error(input.detail);
const nowNs = () => BigInt(Date.now()) * 1_000_000n;
const { verdict } = parts.host.decide(input.json, { nowNs: nowNs() });
if (verdict.kind !== "elevate") throw new Error("the policy does not elevate");
const { elevations } = verdict;
const queries = requests.map((sent) => ({ subject: subjectOf(sent), elevations, http: evaluation.call.http }));
const match = parts.view.covering({ subject, elevations, http: evaluation.call.http }, readClocks());
if (match.kind !== "covered") throw new Error("no grant covers the call");
const decision = allowByGrant(verdict, { kind: "window", candidate: match.candidates[0] });
const evaluated = { decision, subject, policyRevision: parts.host.revision() };
const entry = { ...evaluated, evaluation, sourceAddress: "192.0.2.17", mode: "enforce", durationUs: 100 } as const;

const allowBytes = createAllowBytes();

const steps: readonly (readonly [string, () => unknown])[] = [
  ["decode", () => evaluationFrom(readCheck(bytes), evaluation.decisionId)],
  ["identify", () => parts.identify.identify(evaluation.credentials, readClocks().wall)],
  ["context", () => parts.context.gather(evaluation, readClocks(), undefined)],
  ["input", () => createDecisionInput({ call }, subject, context, parts.host.inputReads())],
  ["evaluate", () => parts.host.decide(input.json, { nowNs: nowNs() })],
  ["covering", inTurn(queries, (query) => parts.view.covering(query, readClocks()))],
  ["log", () => parts.decisionLog.append({ ...entry, time: readClocks().wall })],
  ["encode", () => allowBytes(evaluated, evaluation)],
];
const stepsUs: [string, number][] = [];
for (const [name, step] of steps) stepsUs.push([name, await timed(step)]);
answerWith({ wholeUs: await timed(whole), stepsUs });
