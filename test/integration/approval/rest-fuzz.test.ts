/**
 * Schemathesis against the live REST server: what the OpenAPI document allows, what it forbids, and what lies at its edges, each call by
 * itself, the routes of the Access Request profile included. No 5xx, no answer that the document does not describe (status, type, headers, body), nothing malformed that is taken, no route that
 * forgets the token. By security, who sees everything, and by dana, whose things there are.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import { type AccessRequestApproval, createAccessRequestApproval, PATH, submission } from "./access-request-fixture.ts";
import { at, textAt } from "./rest-answer.ts";
import { documented } from "./rest-document.ts";
import { tokenOf } from "./rest-fixture.ts";

const SEED = 20_261_127;
const EXAMPLES = 30;
const tool = await resolveTool("schemathesis");
const dana = tokenOf("dana", ["engineers"]);
const max = tokenOf("max", ["managers"]);

let rest: AccessRequestApproval;
let folder: string;
beforeAll(async () => {
  rest = await createAccessRequestApproval();
  folder = await mkdtemp(join(tmpdir(), "rest-fuzz-"));
});
afterAll(async () => {
  await rest.close();
  await rm(folder, { recursive: true, force: true });
});

/** The document, with things of dana's as examples: made-up ids and tokens alone would find nothing but 404 and 400. */
async function documentWithThings(): Promise<string> {
  const pending = async () => (await rest.askAs(dana)).id;
  const task = async () => textAt(await rest.submitted(dana), "task.id");
  const granted = async () => textAt(await rest.vote(max, await rest.askAs(dana)), "grant.id");
  const things: readonly (readonly [path: string, fresh: () => Promise<string>])[] = [
    ["/v1/requests/{id}", pending],
    ["/v1/grants/{id}", granted],
    ["/v1/denials/{id}", async () => (await rest.denyTo(dana)).id],
    [`${PATH}/{id}`, task],
  ];
  for (const { path, operation } of documented(rest.app)) {
    const fresh = things.find(([start]) => path.startsWith(start))?.[1];
    const parameters = at({ body: operation }, "parameters");
    const named = Array.isArray(parameters)
      ? parameters.find((one: unknown) => at({ body: one }, "name") === "id")
      : undefined;
    if (fresh !== undefined && named !== undefined) Object.assign(Object(named), { example: await fresh() });
    if (path === PATH) {
      const media = at({ body: operation }, "requestBody.content.application/json");
      Object.assign(Object(media), { example: submission(await rest.denyQuestion(dana)) });
    }
  }
  const file = join(folder, "openapi.json");
  await writeFile(file, JSON.stringify(rest.app.swagger()));
  return file;
}

const ROLES = [
  { who: "security", token: tokenOf("sam", ["security"]) },
  { who: "dana", token: dana },
];

(tool.kind === "found" ? describe : describe.skip)("schemathesis finds nothing", () => {
  test.each(ROLES)(
    "as $who",
    async ({ token }) => {
      if (tool.kind !== "found") return;
      const args = [
        ...["run", await documentWithThings(), "--url", rest.origin, "--header", `Authorization: Bearer ${token}`],
        ...["--phases", "examples,coverage,fuzzing", "--max-examples", String(EXAMPLES), "--seed", String(SEED)],
        ...["--checks", "all", "--exclude-checks", "positive_data_acceptance", "--continue-on-failure", "--no-color"],
        ...["--request-timeout", "30"],
      ];
      const ran = await runCommand(tool.location, args, { timeoutMs: 450_000, cwd: folder, lines: 400 });
      expect(ran.kind === "done" ? "nothing found" : ran.message).toBe("nothing found");
    },
    460_000,
  );
});
