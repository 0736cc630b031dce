/**
 * A candidate beside the policy that decides, in the decision service as a process and in a thread of its own: it denies everything, or
 * never ends, or is none, and the answers are the same as without it. What it would have said is counted, told and shown.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import {
  AuthorizationService,
  CheckRequest,
  CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { frame, sendFrames } from "../../harness/grpc-frames.ts";
import { hasOpa, makeBundle } from "../../harness/made-bundle.ts";
import { metricLine } from "../../harness/metrics.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { startLoneDecision, token } from "./lone-decision.ts";

const rest = `"elevations": [], "responses": [], "context_missing": [], "malformed": []`;
const POLICY = `package countersign

decision := {"outcome": "deny", "reasons": ["the_candidate_says_no"], ${rest}} if not endless
decision := {"outcome": "deny", "reasons": ["never"], ${rest}} if { endless; some a in numbers.range(1, 2000); some b in numbers.range(1, 2000); some c in numbers.range(1, 2000); (a + b) + c == 0 }
endless if contains(input.attributes.request.http.path, "endless")
`;
const APPROVAL = `package countersign.approval

route := {"decide": "deny", "reason": "fine"}
may_review := {"allowed": true, "reasons": []}
`;
const described = (await hasOpa()) ? describe : describe.skip;

let folder: string;
let candidate: string;
let service: Decision;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "shadow-"));
  candidate = join(folder, "candidate");
  if (!(await hasOpa())) return;
  await makeBundle(candidate, [POLICY, APPROVAL], {});
  const bundle = join(import.meta.dirname, "../../../rego/bundle");
  const trust = { unsigned: "accepted", shadow: { path: candidate } };
  service = await startLoneDecision({ folder, name: "decision", bundle, trust });
});
afterAll(async () => {
  await service?.kill();
  await rm(folder, { recursive: true, force: true });
});

async function isAllowed(path: string): Promise<boolean> {
  const http = {
    ...{ id: "1", method: "GET", path, host: "orders.example", scheme: "https", query: "", fragment: "" },
    ...{ protocol: "HTTP/1.1", headers: new Map(), size: 0, body: "", rawBody: Buffer.alloc(0) },
    headerMap: { headers: [{ key: "authorization", value: "", rawValue: Buffer.from(`Bearer ${token()}`) }] },
  };
  const request = { time: new Date(), http };
  const attributes = { source: undefined, destination: undefined, request, contextExtensions: new Map() };
  const body = frame(Buffer.from(CheckRequest.encode({ attributes }).finish()));
  const { message } = await sendFrames(service.port, { path: AuthorizationService.check.path, body });
  if (message === undefined) return false;
  const { status: said, httpResponse } = CheckResponse.decode(message);
  return said?.code === status.OK || httpResponse?.$case === "okResponse";
}

async function shown(): Promise<unknown> {
  const bundle: unknown = await (await fetch(`${service.opsUrl}/v1/bundle`)).json();
  return typeof bundle === "object" && bundle !== null && "shadow" in bundle ? bundle.shadow : undefined;
}

/** Until the status shows all of it. */
async function untilShown(what: string, expected: object): Promise<void> {
  let last: unknown;
  await waitUntil(what, 20_000, async () => {
    last = await shown();
    try {
      expect(last).toMatchObject(expected);
      return true;
    } catch {
      return false;
    }
  }).catch(() => expect(last).toMatchObject(expected));
}

function metric(begin: string): Promise<string | undefined> {
  return metricLine(service.opsUrl, `countersign_decision_${begin}`);
}

described("a candidate", () => {
  test("that denies what is allowed changes no answer; each difference is counted, and told without the token", async () => {
    await untilShown("the candidate", { active: { revision: "made-by-a-test" } });
    for (let count = 0; count < 5; count++) expect(await isAllowed("/orders/42")).toBe(true);
    await untilShown("the differences", { compared: { agreed: 0, differed: 5, dropped: 0, lost: 0 } });
    expect(await metric('shadow_differences_total{kind="outcome"}')).toMatch(/ 5$/);
    expect(await metric("shadow_info")).toContain("made-by-a-test");
    const lines = (await service.log()).split("\n").filter((line) => line.includes('"shadow_difference"'));
    expect(lines).toHaveLength(5);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      kinds: ["outcome"],
      decisionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      revision: expect.stringMatching(/^[0-9a-f]{32}$/),
      active: { outcome: "allow", reasons: ["orders_read"] },
      candidateRevision: "made-by-a-test",
      candidate: { outcome: "deny", reasons: ["the_candidate_says_no"] },
    });
    expect(lines.join("\n")).not.toContain("Bearer");
  });

  test("that never ends is stopped within its budget, which is a difference; the checks go on beside it", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => isAllowed("/orders/endless")));
    expect(answers).toEqual(answers.map(() => true));
    await untilShown("the differences", { compared: { differed: 25 } });
    expect(await metric('shadow_differences_total{kind="fault"}')).toMatch(/ 20$/);
    expect(await service.log()).toContain('"outcome":"policy_budget_exceeded"');
  });

  test("that is refused leaves the service as it is, and one that is taken out of the configuration ends", async () => {
    await writeFile(join(candidate, "policy.wasm"), "no module");
    service.reload();
    await untilShown("the refusal", { active: null, refused: { reason: "invalid_module" } });
    expect(await isAllowed("/orders/42")).toBe(true);
    const configuration: unknown = (await import("yaml")).parse(await readFile(service.configPath, "utf8"));
    const without = { ...Object(configuration), bundle: { ...Object(configuration).bundle, shadow: undefined } };
    await writeFile(service.configPath, stringify(without));
    service.reload();
    await waitUntil("no candidate", 20_000, async () => (await shown()) === null);
    expect(await isAllowed("/orders/42")).toBe(true);
  });
});
