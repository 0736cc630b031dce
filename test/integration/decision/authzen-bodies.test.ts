/** Bodies that are no requests of AuthZEN: refused or denied, never a fault and never an allow (authzen-process.ts). */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { hasOpa } from "../../harness/made-bundle.ts";
import { metricLine } from "../../harness/metrics.ts";
import { ask, type AuthzenProcess, OWN, startAuthzenProcess } from "./authzen-process.ts";

const described = (await hasOpa()) ? describe : describe.skip;

let authzen: AuthzenProcess;
beforeAll(async () => {
  if (await hasOpa()) authzen = await startAuthzenProcess();
});
afterAll(() => authzen?.[Symbol.asyncDispose]());
const post: AuthzenProcess["post"] = (...sent) => authzen.post(...sent);

described("bodies that are no requests", () => {
  const mutated = fc.oneof(
    fc.json({ maxDepth: 3 }),
    fc
      .tuple(
        fc.constantFrom("subject", "action", "resource", "context", "options", "evaluations", "page"),
        fc.jsonValue({ maxDepth: 4 }),
      )
      .map(([name, value]) => JSON.stringify({ ...ask("locked"), [name]: value })),
    fc
      .tuple(fc.nat({ max: 120 }), fc.constantFrom('"', "{", "\\u0000", "\\ud800", "[", "1e999", "\u00ff", "null"))
      .map(([at, text]) => {
        const whole = JSON.stringify(ask("locked"));
        return whole.slice(0, at) + text + whole.slice(at);
      }),
  );

  test("are refused or denied, and never a fault or an allow", async () => {
    const before = await faults();
    for (const at of ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"]) {
      await fc.assert(
        fc.asyncProperty(mutated, async (body) => {
          const answer = await post(body, { at });
          expect([200, 400]).toContain(answer.status);
          expect(JSON.stringify(answer.body)).not.toContain('"decision":true');
        }),
        { numRuns: 60 },
      );
    }
    expect(await faults()).toBe(before);
  });

  test.each<readonly [string, string, number]>([
    ["nested a hundred deep", JSON.stringify(ask("read", { context: nested(100) })), 400],
    ["with a prototype in it", '{"__proto__":{"decision":true},"subject":{"type":"user","id":"dana"}}', 400],
    ["with half a surrogate pair as its id", JSON.stringify(ask("read")).replace("dana", "\\ud800"), 400],
    [
      "with an id longer than a record keeps",
      JSON.stringify(ask("read", { resource: { id: "x".repeat(1_025) } })),
      400,
    ],
    ["larger than the limit", JSON.stringify(ask("read", { context: { text: "x".repeat(65_536) } })), 413],
    ["with a null where an object belongs", JSON.stringify({ ...ask("read"), subject: null }), 400],
  ])("%s", async (_what, body, status) => {
    expect((await post(body)).status).toBe(status);
    expect(await post(OWN)).toMatchObject({ body: { decision: true } });
  });

  function nested(depth: number): object {
    return depth === 0 ? {} : { in: nested(depth - 1) };
  }
  async function faults(): Promise<string> {
    return (await metricLine(authzen.opsUrl, "countersign_decision_faults_total ")) ?? "none";
  }
});
