/**
 * Schemathesis against the AuthZEN interface: what docs/openapi-decision.json allows, what it forbids, and what lies at its edges, each call by
 * itself. No 5xx, no answer that the document does not describe (status, type, headers, body), nothing malformed that is taken, no route that
 * forgets to ask who is calling. By a client that may enforce and by somebody with a token of their own.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { type Authzen, startAuthzen } from "./authzen-fixture.ts";
import { allowing, denying, elevating, ENFORCER, ownToken } from "./authzen-samples.ts";

const SEED = 20_261_127;
const EXAMPLES = 20;
const DOCUMENT = join(import.meta.dirname, "..", "..", "..", "docs", "openapi-decision.json");
const tool = await resolveTool("schemathesis");

const files = [1, 2, 3].map((n) => ({ type: "file", id: `f${n}`, properties: {} }));

let authzen: Authzen;
let folder: string;
beforeAll(async () => {
  authzen = await startAuthzen({
    candidates: {
      offered: () => true,
      list: () => ({ kind: "candidates", entities: files, revision: "r1" }),
    },
  });
  // Every outcome, whatever is asked.
  const verdicts = [denying, allowing, elevating()];
  authzen.world.verdict = () => verdicts[authzen.world.asked.length % verdicts.length] ?? denying;
  folder = await mkdtemp(join(tmpdir(), "authzen-fuzz-"));
});
afterAll(async () => {
  await authzen[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const CALLERS = [
  { who: "a client that may enforce", token: ENFORCER },
  { who: "somebody with a token of their own", token: ownToken() },
];

(tool.kind === "found" ? describe : describe.skip)("schemathesis finds nothing", () => {
  test.each(CALLERS)(
    "as $who",
    async ({ token }) => {
      if (tool.kind !== "found") return;
      const asked = authzen.world.asked.length;
      const args = [
        ...["run", DOCUMENT, "--url", authzen.origin, "--header", `Authorization: Bearer ${token}`],
        ...["--phases", "examples,coverage,fuzzing", "--max-examples", String(EXAMPLES), "--seed", String(SEED)],
        // A wrong method is a 404 here; and what the schema allows may be refused: a page token of another search, numbers that are none.
        ...["--checks", "all", "--exclude-checks", "positive_data_acceptance,unsupported_method"],
        ...["--continue-on-failure", "--no-color", "--request-timeout", "30"],
      ];
      const ran = await runCommand(tool.location, args, { timeoutMs: 450_000, cwd: folder, lines: 400 });
      expect(ran.kind === "done" ? "nothing found" : ran.message).toBe("nothing found");
      // It came as far as the policy.
      expect(authzen.world.asked.length - asked).toBeGreaterThan(100);
    },
    460_000,
  );
});

test("an address that the router cannot read is refused like everything else: a sentence, and nothing of what was sent", async () => {
  const { status, headers, body } = await authzen.get("/access/v1/planted%zz");
  expect([status, body]).toEqual([400, "the address cannot be read"]);
  expect(headers).toMatchObject({ "cache-control": "no-store", "x-request-id": expect.any(String) });
});
