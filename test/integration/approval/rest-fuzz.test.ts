/**
 * Schemathesis against the live REST server: what the OpenAPI document allows, what it forbids, and what lies at its edges, each call by
 * itself, the routes of the Access Request profile included. No 5xx, no answer that the document does not describe (status, type, headers, body),
 * nothing malformed that is taken, no route that forgets the token. By security, who sees everything, and by dana, a requester. Each has to carry
 * out every operation that they may, too, since a run in which all ends in 4xx proves little.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { TOPICS } from "../../../core/messages/topics.ts";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import type { ReadRecord } from "../../../services/approval/intake/quarantine.ts";
import {
  type AccessRequestApproval,
  createAccessRequestApproval,
  REASON,
  submission,
} from "./access-request-fixture.ts";
import { at, textAt } from "./rest-answer.ts";
import { documented } from "./rest-document.ts";
import { tokenOf } from "./rest-fixture.ts";

const SEED = 20_261_127;
const EXAMPLES = 30;
const tool = await resolveTool("schemathesis");
const sam = tokenOf("sam", ["security"]);
const dana = tokenOf("dana", ["engineers"]);
const max = tokenOf("max", ["managers"]);

let rest: AccessRequestApproval;
let folder: string;
beforeAll(async () => {
  const refuse: ReadRecord = async () => ({
    kind: "refused",
    reason: "signature_invalid",
    detail: "signature_invalid",
  });
  rest = await createAccessRequestApproval({ readersOf: () => new Map([[TOPICS.denials.name, refuse]]) });
  folder = await mkdtemp(join(tmpdir(), "rest-fuzz-"));
});
afterAll(async () => {
  await rest.close();
  await rm(folder, { recursive: true, force: true });
});

type Example = { readonly parameter?: string; readonly body?: unknown };
type Examples = ReadonlyMap<string, () => Promise<Example>>;

/**
 * For each operation that needs one a thing of its own, which the caller has or has to deal with, and of the body what made-up data cannot
 * know: ids, digests and tokens that are made up find nothing but 404 and 400.
 */
function examplesFor(token: string): Examples {
  const asked = async () => ({ parameter: (await rest.askAs(token)).id });
  const granted = async () => ({ parameter: textAt(await rest.vote(max, await rest.askAs(token)), "grant.id") });
  const task = async () => ({ parameter: textAt(await rest.submitted(token), "task.id") });
  const incident = async () => {
    const body = { severity: "low", scope: "orders", title: "Orders are late" };
    return { parameter: textAt(await rest.call("POST", "/v1/incidents", { token: sam, body }), "id") };
  };
  const setAside = async () => ({ parameter: await rest.setAside() });
  const toReview = async () => {
    // So large that security has to agree, too.
    const large = { entitlement: "refund", scope: `order/${randomUUID()}/amount/500` };
    const { id, digest } = await rest.askAs(dana, large);
    return { parameter: id, body: { vote: "approve", digest } };
  };
  const each = (names: readonly string[], example: () => Promise<Example>) =>
    names.map((name) => [name, example] as const);
  return new Map<string, () => Promise<Example>>([
    ...each(["getProblem"], async () => ({ parameter: "unknown_request" })),
    ...each(["getDenial"], async () => ({ parameter: (await rest.denyTo(token)).id })),
    ...each(["submitRequest"], async () => ({
      body: { denial_id: (await rest.denyTo(token)).id, justification: REASON },
    })),
    ...each(["getRequest", "listApprovers", "cancelRequest"], asked),
    ...each(["reviewRequest"], toReview),
    ...each(["getGrant", "revokeGrant"], granted),
    ...each(["getIncident", "closeIncident"], incident),
    ...each(["getQuarantined", "replayRecord", "dismissRecord"], setAside),
    ...each(["submitAccessRequest"], async () => ({ body: submission(await rest.denyQuestion(token)) })),
    ...each(["getAccessRequest", "cancelAccessRequest"], task),
  ]);
}

/** The document, with these things as examples, in a file. */
async function documentFor(token: string): Promise<string> {
  const examples = examplesFor(token);
  for (const { name, operation } of documented(rest.app)) {
    const example = await examples.get(name)?.();
    const parameters = at({ body: operation }, "parameters");
    const inPath = Array.isArray(parameters)
      ? parameters.find((one: unknown) => at({ body: one }, "in") === "path")
      : undefined;
    if (example?.parameter !== undefined) Object.assign(Object(inPath), { example: example.parameter });
    if (example?.body === undefined) continue;
    const media = at({ body: operation }, "requestBody.content.application/json");
    Object.assign(Object(media), { example: example.body, examples: undefined });
  }
  const file = join(folder, "openapi.json");
  await writeFile(file, JSON.stringify(rest.app.swagger()));
  return file;
}

/** How often each operation was answered with a 2xx so far. */
async function carriedOut(): Promise<ReadonlyMap<string, number>> {
  const { text } = await rest.deps.metrics.expose();
  const counts = new Map<string, number>();
  const lines = text.matchAll(/^rest_test_rest_request_seconds_count\{operation="(\w+)",status="2\d\d"\} (\d+)$/gm);
  for (const [, operation = "", count] of lines) counts.set(operation, (counts.get(operation) ?? 0) + Number(count));
  return counts;
}

/** `never`: what is answered to them by nothing but a refusal. */
const ROLES: readonly { readonly who: string; readonly token: string; readonly never: readonly string[] }[] = [
  { who: "security", token: sam, never: [] },
  {
    who: "dana",
    token: dana,
    never: [
      // Nobody of her groups has to agree.
      "reviewRequest",
      // For security alone.
      ...["openIncident", "listIncidents", "getIncident", "closeIncident"],
      ...["readAudit", "listQuarantine", "getQuarantined", "replayRecord", "dismissRecord"],
    ],
  },
];

(tool.kind === "found" ? describe : describe.skip)("schemathesis finds nothing", () => {
  test.each(ROLES)(
    "as $who, who carries out every operation that they may",
    async ({ token, never }) => {
      if (tool.kind !== "found") return;
      const file = await documentFor(token);
      const before = await carriedOut();
      const args = [
        ...["run", file, "--url", rest.origin, "--header", `Authorization: Bearer ${token}`],
        ...["--phases", "examples,coverage,fuzzing", "--max-examples", String(EXAMPLES), "--seed", String(SEED)],
        ...["--checks", "all", "--exclude-checks", "positive_data_acceptance", "--continue-on-failure", "--no-color"],
        ...["--request-timeout", "30"],
      ];
      const ran = await runCommand(tool.location, args, { timeoutMs: 450_000, cwd: folder, lines: 400 });
      expect(ran.kind === "done" ? "nothing found" : ran.message).toBe("nothing found");
      const after = await carriedOut();
      const names = documented(rest.app).map(({ name }) => name);
      const inVain = names.filter((name) => after.get(name) === before.get(name));
      expect(inVain.toSorted()).toEqual(never.toSorted());
    },
    460_000,
  );
});
