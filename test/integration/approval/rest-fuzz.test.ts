/**
 * Schemathesis against the live REST server: what the OpenAPI document allows, what it forbids, and what lies at its edges, each call by
 * itself. No 5xx, no answer that the document does not describe (status, type, headers, body), nothing malformed that is taken, no route that
 * forgets the token. By security, who sees everything, and by dana, whose things there are.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import { createRestApproval, type RestApproval, textAt, tokenOf } from "./rest-fixture.ts";

const SEED = 20_261_127;
const EXAMPLES = 30;
const tool = await resolveTool("schemathesis");
const dana = tokenOf("dana", ["engineers"]);

let rest: RestApproval;
let folder: string;
beforeAll(async () => {
  rest = await createRestApproval();
  folder = await mkdtemp(join(tmpdir(), "rest-fuzz-"));
}, 90_000);
afterAll(async () => {
  await rest.close();
  await rm(folder, { recursive: true, force: true });
});

/** The document, with things of dana's as examples of ids: made-up ids alone would find nothing but 404. */
async function documentWithIds(): Promise<string> {
  const request = await rest.askAs(dana);
  const granted = await rest.vote(tokenOf("max", ["managers"]), await rest.askAs(dana));
  const ids = new Map([
    ["/v1/requests/{id}", request.id],
    ["/v1/grants/{id}", textAt(granted, "grant.id")],
    ["/v1/denials/{id}", (await rest.denyTo(dana)).id],
  ]);
  let text = JSON.stringify(rest.app.swagger());
  for (const [path, id] of ids) {
    const place = text.indexOf(`"${path}`);
    const parameter = text.indexOf('"name":"id"', place);
    if (place >= 0 && parameter >= 0) text = `${text.slice(0, parameter)}"example":"${id}",${text.slice(parameter)}`;
  }
  const file = join(folder, "openapi.json");
  await writeFile(file, text);
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
        ...["run", await documentWithIds(), "--url", rest.origin, "--header", `Authorization: Bearer ${token}`],
        ...["--phases", "examples,coverage,fuzzing", "--max-examples", String(EXAMPLES), "--seed", String(SEED)],
        ...["--checks", "all", "--exclude-checks", "positive_data_acceptance", "--continue-on-failure", "--no-color"],
        ...["--request-timeout", "10"],
      ];
      const ran = await runCommand(tool.location, args, { timeoutMs: 150_000, cwd: folder, lines: 400 });
      expect(ran.kind === "done" ? "nothing found" : ran.message).toBe("nothing found");
    },
    160_000,
  );
});
