/**
 * AuthZEN over HTTP as the real process serves it, with a policy of its own: who may ask about whom, what a caller can state
 * and what not, batches, searches, and bodies that are no requests. That the certification scenario holds shows
 * `npm run conformance -- authzen`.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { freePort } from "../../harness/free-port.ts";
import { hasOpa, makeBundle } from "../../harness/made-bundle.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { claims, ISSUER, startLoneDecision, token } from "./lone-decision.ts";

const rego = path.join(import.meta.dirname, "../../../rego/countersign");
const POLICY = `package countersign.policies.files

allow contains "owner reads" if { input.action.name == "read"; input.resource.properties.owner == input.subject.id }
allow contains "admins read" if { input.action.name == "read"; "admins" in input.subject.properties.groups }
allow contains "verified claim" if { input.action.name == "claim"; input.subject.properties.claims.level == "high" }
allow contains "host says fresh" if { input.action.name == "fresh"; input.context.state.fresh }
allow contains "host says where" if { input.action.name == "where"; input.context.source_address }
allow contains "stated" if { input.action.name == "stated"; input.context.stated.device == "managed" }
deny contains "locked" if { input.action.name == "locked" }
`;
const CANDIDATES = `package countersign

candidates := {
  "subjects": [{"type": "user", "id": "dana"}, {"type": "user", "id": "max"}, {"type": "robot", "id": "r2"}],
  "resources": [{"type": "file", "id": sprintf("f%d", [n]), "properties": {"owner": "dana"}} | some n in numbers.range(1, 5)],
}
`;
const CLIENT = "service-token-of-the-gateway";
const STRANGER = "service-token-of-a-stranger";

let folder: string;
let decision: Decision;
let base: string;

const described = (await hasOpa()) ? describe : describe.skip;

beforeAll(async () => {
  if (!(await hasOpa())) return;
  folder = await mkdtemp(path.join(tmpdir(), "authzen-"));
  const bundle = path.join(folder, "bundle");
  const texts = await Promise.all(
    ["decision.rego", "approval/route.rego", "approval/may_review.rego"].map((name) =>
      readFile(path.join(rego, name), "utf8"),
    ),
  );
  await makeBundle(bundle, [...texts, POLICY, CANDIDATES], { countersign: { requires: {} } });
  const file = async (name: string, text: string) => {
    await writeFile(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  decision = await startLoneDecision({
    folder,
    name: "authzen",
    bundle,
    further: {
      api: {
        baseUrl: "https://pdp.example",
        httpPort: port,
        maxBatch: 4,
        clients: [
          { name: "gateway", tokenPath: await file("gateway", `${CLIENT}\n`), subjects: { user: ISSUER } },
          { name: "stranger", tokenPath: await file("stranger", STRANGER) },
        ],
      },
    },
  });
}, 60_000);
afterAll(async () => {
  await decision?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

type Sent = { readonly as?: string | null; readonly headers?: object; readonly at?: string };

async function post(body: unknown, { as = CLIENT, headers = {}, at = "evaluation" }: Sent = {}) {
  const response = await fetch(`${base}/access/v1/${at}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(as === null ? {} : { authorization: `Bearer ${as}` }),
      ...headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(5_000),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  const read: unknown = isJson ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, body: read };
}

const ask = (name: string, { subject = {}, resource = {}, ...more }: { [name: string]: object } = {}) => ({
  subject: { type: "user", id: "dana", ...subject },
  action: { name },
  resource: { type: "file", id: "f1", ...resource },
  ...more,
});
const OWN = ask("read", { resource: { properties: { owner: "dana" } } });

described("AuthZEN over HTTP", () => {
  test("nobody asks without a credential, with a wrong one, or with two", async () => {
    expect(await post(OWN, { as: null })).toMatchObject({ status: 401 });
    const wrong = await post(OWN, { as: `${CLIENT}x` });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
    expect(await post(OWN, { as: `${CLIENT}, Bearer ${CLIENT}` })).toMatchObject({ status: 401 });
    expect(await post(OWN)).toMatchObject({ status: 200, body: { decision: true } });
  });

  test("a client that is trusted for no subject gets no allow, and the reason says so", async () => {
    const answer = await post(OWN, { as: STRANGER });
    expect(answer.body).toMatchObject({ decision: false, context: { reason: "subject_not_trusted" } });
  });

  test("a client is trusted for the types of subject that are configured, and no other, whatever its name", async () => {
    for (const type of ["robot", "__proto__x", "constructor", "toString"]) {
      const answer = await post(ask("read", { subject: { type }, resource: { properties: { owner: "dana" } } }));
      expect(answer.body).toMatchObject({ decision: false, context: { reason: "subject_not_trusted" } });
    }
  });

  test("somebody with a token of their own asks about themselves only, and states nothing about themselves", async () => {
    const own = token();
    expect(await post(OWN, { as: own })).toMatchObject({ body: { decision: true } });
    const other = ask("read", { subject: { id: "max" }, resource: { properties: { owner: "max" } } });
    expect((await post(other, { as: own })).body).toMatchObject({ context: { reason: "subject_not_trusted" } });
    const robot = ask("read", { subject: { type: "robot" }, resource: { properties: { owner: "dana" } } });
    expect((await post(robot, { as: own })).body).toMatchObject({ context: { reason: "subject_not_trusted" } });
    const promoted = ask("read", { subject: { properties: { groups: ["admins"], claims: { level: "high" } } } });
    expect((await post(promoted, { as: own })).body).toMatchObject({ decision: false });
    expect((await post({ ...promoted, action: { name: "claim" } }, { as: own })).body).toMatchObject({
      decision: false,
    });
    const verified = token({ payload: claims({ level: "high" }) });
    expect((await post(ask("claim"), { as: verified })).body).toMatchObject({ decision: true });
  });

  test("a trusted client's properties are the account's claims, and groups of the wrong shape are refused", async () => {
    expect((await post(ask("read"))).body).toMatchObject({ decision: false, context: { reason: "no_rule_matched" } });
    expect((await post(ask("read", { subject: { properties: { groups: ["admins"] } } }))).body).toMatchObject({
      decision: true,
    });
    expect((await post(ask("read", { subject: { properties: { groups: "admins" } } }))).body).toMatchObject({
      decision: false,
      context: { reason: "credential_claims_invalid" },
    });
    const act = { act: { sub: "bot", extra: 1 } };
    expect((await post(ask("read", { subject: { properties: { groups: ["admins"], ...act } } }))).body).toMatchObject({
      decision: true,
    });
  });

  test("what is stated of the context never stands where the host's own stands", async () => {
    const forged = { state: { fresh: true }, source_address: "10.0.0.1", device: "managed" };
    expect((await post(ask("fresh", { context: forged }))).body).toMatchObject({ decision: false });
    expect((await post(ask("where", { context: forged }))).body).toMatchObject({ decision: false });
    expect((await post(ask("stated", { context: forged }))).body).toEqual({ decision: true });
  });

  test("a denial is 200 with its reason and its rules, and no more of a fault than its name", async () => {
    const { status, headers, body } = await post(ask("locked"));
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { decision: false, context: { reason: "policy_denied", rules: ["locked"] } },
    });
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("countersign-decision-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("to enforce is for configured enforcers", async () => {
    const options = { options: { countersign_mode: "enforce" } };
    expect(await post({ ...OWN, ...options })).toMatchObject({ status: 403 });
    expect(await post({ ...OWN, ...options }, { as: token() })).toMatchObject({ status: 403 });
  });

  test("a request identifier that could split a header is not echoed", async () => {
    const echoed = await post(OWN, { headers: { "x-request-id": "abc-1" } });
    expect(echoed.headers.get("x-request-id")).toBe("abc-1");
    const long = await post(OWN, { headers: { "x-request-id": "x".repeat(200) } });
    expect(long.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

described("batches", () => {
  const no = { action: { name: "locked" } };
  const yes = { resource: OWN.resource };
  const batch = (evaluations: readonly object[], semantic?: string) =>
    post(
      {
        ...ask("read"),
        evaluations,
        ...(semantic === undefined ? {} : { options: { evaluations_semantic: semantic } }),
      },
      { at: "evaluations" },
    );
  const decisions = (answer: { readonly body: unknown }) => JSON.stringify(answer.body);

  test("stop where their semantics say, and not before", async () => {
    const shown = (...list: boolean[]) => JSON.stringify({ evaluations: list.map((one) => ({ decision: one })) });
    expect(decisions(await batch([yes, no, yes]))).toBe(shown(true, false, true));
    expect(decisions(await batch([yes, no, yes], "deny_on_first_deny"))).toBe(shown(true, false));
    expect(decisions(await batch([no, yes, no], "permit_on_first_permit"))).toBe(shown(false, true));
  });

  test("of another semantic, or longer than the limit, are refused whole", async () => {
    expect((await batch([yes], "execute_some")).status).toBe(400);
    expect((await batch([yes, yes, yes, yes])).status).toBe(200);
    expect((await batch([yes, yes, yes, yes, yes])).status).toBe(400);
  });

  test("decide each item as if it were alone: what is no item is denied by itself", async () => {
    const answer = await batch([yes, { subject: "dana" }, { resource: { type: "file" } }]);
    expect(answer).toMatchObject({
      status: 200,
      body: { evaluations: [{ decision: true }, { decision: false }, { decision: false }] },
    });
  });
});

type FoundPage = {
  readonly results: readonly { readonly id: string }[];
  readonly page: { readonly next_token: string };
};

function isFound(body: unknown): body is FoundPage {
  return typeof body === "object" && body !== null && "results" in body && "page" in body;
}

described("searches", () => {
  const find = (body: object, as = CLIENT) => post(body, { at: "search/resource", as });
  const FILES = { subject: { type: "user", id: "dana" }, action: { name: "read" }, resource: { type: "file" } };

  test("page through what is allowed, each once, and refuse a token of another search", async () => {
    const seen: unknown[] = [];
    let next: string | undefined;
    let first = "";
    do {
      const { body } = await find({ ...FILES, page: { limit: 2, ...(next === undefined ? {} : { token: next }) } });
      const found: unknown = body;
      if (!isFound(found)) throw new Error(`no page: ${JSON.stringify(body)}`);
      seen.push(...found.results.map(({ id }) => id));
      next = found.page.next_token;
      first ||= next;
    } while (next !== "");
    expect(seen).toEqual(["f1", "f2", "f3", "f4", "f5"]);
    const other = { ...FILES, subject: { type: "user", id: "max" } };
    expect(await find({ ...other, page: { token: first } })).toMatchObject({ status: 400 });
    expect(await find({ ...FILES, page: { token: "AAAA" } })).toMatchObject({ status: 400 });
  });

  test("find nothing for whom the caller may not speak", async () => {
    expect(await find(FILES, STRANGER)).toMatchObject({ status: 200, body: { results: [] } });
    const who = { subject: { type: "user" }, action: { name: "read" }, resource: OWN.resource };
    expect((await post(who, { at: "search/subject" })).body).toEqual({ results: [{ type: "user", id: "dana" }] });
    expect((await post(who, { at: "search/subject", as: token({ payload: claims({ sub: "max" }) }) })).body).toEqual({
      results: [],
    });
  });
});

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
  }, 60_000);

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
    const text = await (await fetch(`${decision.opsUrl}/metrics`)).text();
    return /^countersign_decision_faults_total (\d+)/m.exec(text)?.[1] ?? "none";
  }
});

described("tokens of clients", () => {
  test("are read again at SIGHUP: the old one stops, the new one counts", async () => {
    await writeFile(path.join(folder, "gateway"), "another-token-of-the-gateway\n");
    decision.reload();
    await waitUntil("the new token to count", 10_000, async () => {
      return (await post(OWN, { as: "another-token-of-the-gateway" })).status === 200;
    });
    expect((await post(OWN)).status).toBe(401);
  });
});
