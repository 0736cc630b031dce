/**
 * AuthZEN's certification scenario against the real decision service, over TLS, with a policy made for the fixture and built as authors build
 * theirs. Rows run in order, since some name replies to earlier ones; a row whose condition does not hold is said and counts for nothing. Then
 * each body is sent again with one member changed (mutations.ts), which is one more case of its row.
 * Format of the rows: the README beside them. Those of the Access Request profile are in words (compare-profile.ts).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { resolveTool } from "../tools/resolve-tool.ts";
import { type AuthzenProcess, startAuthzenProcess } from "./authzen/authzen-process.ts";
import { buildFixtureBundle } from "./authzen/build-fixture-bundle.ts";
import { compareProfile } from "./authzen/compare-profile.ts";
import { faultsIn, member, valuesAt } from "./authzen/judge-body.ts";
import { mutationsOf } from "./authzen/mutations.ts";
import { readRows, type Row } from "./authzen/read-rows.ts";
import type { CaseOutcome, Say } from "./case-outcome.ts";

const root = path.resolve(import.meta.dirname, "../..");
const TENANT = "/tenant1";
const TIMEOUT_MS = 10_000;

type Reply = { readonly status: number; readonly headers: ReadonlyMap<string, string>; readonly body: unknown };

export async function runAuthzenCases(directory: string, say: Say, note: Say): Promise<readonly CaseOutcome[]> {
  const rows = await readRows(directory);
  const profile = await compareProfile(directory, note);
  const tool = await resolveTool("opa", { fetch: true, say });
  if (tool.kind === "missing") throw new Error(`opa is missing: ${tool.reason}; ${tool.help}`);
  const folder = await mkdtemp(path.join(tmpdir(), "countersign-fixture-"));
  try {
    const bundle = await buildFixtureBundle(root, path.join(directory, "fixture.json"), folder);
    await using plain = await startAuthzenProcess(root, bundle, "");
    await using tenant = await startAuthzenProcess(root, bundle, TENANT);
    const replies = new Map<string, Reply>();
    const outcomes: CaseOutcome[] = [...profile];
    for (const row of rows) {
      const server = row.request.path.endsWith(TENANT) ? tenant : plain;
      const reply = await send(server, row, replies);
      replies.set(row.id, reply);
      if (row.only_if !== undefined && server === plain && !holds(row.only_if, replies)) {
        note(`not run ${row.id}: ${row.only_if}`);
        continue;
      }
      const faults = await faultsOf(row, reply, { server, rows, replies });
      outcomes.push(
        faults.length === 0
          ? { kind: "passed", id: row.id }
          : {
              kind: "missed",
              id: row.id,
              want: faults.join("; "),
              got: `${reply.status} ${JSON.stringify(reply.body)}`,
            },
      );
    }
    const sent = new Set<string>();
    for (const row of rows) {
      const original = replies.get(row.id);
      if (row.request.body === undefined || original === undefined) continue;
      const before = sent.size;
      const fault = await faultOfMutations(row, original, { server: plain, replies, sent });
      if (sent.size === before) continue; // another row has the same body
      const id = `${row.id} mutated`;
      outcomes.push(fault === undefined ? { kind: "passed", id } : { kind: "missed", id, ...fault });
    }
    say(`${sent.size} mutations of their bodies`);
    return outcomes;
  } finally {
    await rm(folder, { recursive: true });
  }
}

type Around = {
  readonly server: AuthzenProcess;
  readonly rows: readonly Row[];
  readonly replies: ReadonlyMap<string, Reply>;
};

async function faultsOf(row: Row, reply: Reply, { server, rows, replies }: Around): Promise<readonly string[]> {
  const { status, headers = {}, body: rules } = row.expect;
  const faults = reply.status === status ? [] : [`status ${status}`];
  for (const [name, value] of Object.entries(headers)) {
    const got = reply.headers.get(name.toLowerCase()) ?? "";
    const same = name === "content-type" ? got.split(";")[0] === value : got === value;
    if (!same) faults.push(`${name}: ${value}`);
  }
  for (let time = 1; time < (row.repeat?.times ?? 1); time++) {
    const again = await send(server, row, replies);
    for (const name of row.repeat?.same ?? []) {
      if (member(again.body, name) !== member(reply.body, name)) faults.push(`the same ${name} each time`);
    }
  }
  if (rules === undefined) return faults;
  faults.push(...faultsIn(reply.body, rules));
  for (const [name, url] of Object.entries(rules.equals_url ?? {})) {
    const origin = server.baseUrl.replace(TENANT, "");
    if (member(reply.body, name) !== url.replace("${base_url}", origin)) faults.push(`${name} equal to ${url}`);
  }
  if (rules.same_results_as !== undefined) {
    const other = member(replies.get(rules.same_results_as)?.body, "results");
    if (asSet(other) !== asSet(member(reply.body, "results"))) faults.push(`the results of ${rules.same_results_as}`);
  }
  if (rules.any_of !== undefined && !pagedOrWhole(reply.body, replies.get("c-4-4-1")?.body)) {
    faults.push(JSON.stringify(rules.any_of));
  }
  for (const [name, id] of Object.entries(rules.endpoints_answer ?? {})) {
    const known = rows.find((one) => one.id === id);
    const url = member(reply.body, name);
    if (known === undefined || typeof url !== "string") faults.push(`${name} in the document`);
    else if ((await send(server, known, replies, url)).status !== 200) faults.push(`${name} answers`);
  }
  return faults;
}

type Mutating = Pick<Around, "server" | "replies"> & {
  /** By any row. */
  readonly sent: Set<string>;
};

/** Of the first mutation of a row's body that is neither refused nor decided, or that is allowed more than the row itself. */
async function faultOfMutations({ request, ...row }: Row, original: Reply, { server, replies, sent }: Mutating) {
  for (const raw_body of mutationsOf(request.body)) {
    const key = `${request.path} ${raw_body}`;
    if (sent.has(key)) continue;
    sent.add(key);
    const reply = await send(server, { ...row, request: { ...request, raw_body } }, replies);
    const isAnswered = reply.status === 200 || reply.status === 400;
    if (isAnswered && allowsIn(reply) <= allowsIn(original)) continue;
    return {
      want: `400, or at most ${allowsIn(original)} allowed: ${raw_body.slice(0, 400)}`,
      got: `${reply.status} ${JSON.stringify(reply.body)}`,
    };
  }
  return undefined;
}

const allowsIn = ({ body }: Reply) => JSON.stringify(body).split('"decision":true').length - 1;

/** The one rule that the scenario gives in words: everything at once, or a token that says there is more. */
function pagedOrWhole(body: unknown, whole: unknown): boolean {
  const token = valuesAt(body, "page.next_token")[0];
  if (typeof token === "string" && token !== "") return true;
  return asSet(member(body, "results")) === asSet(member(whole, "results"));
}

function asSet(results: unknown): string {
  return Array.isArray(results)
    ? results
        .map((one) => JSON.stringify(one))
        .sort()
        .join()
    : "none";
}

function holds(condition: string, replies: ReadonlyMap<string, Reply>): boolean {
  const [id = "", place] = condition.split(":");
  return place !== undefined && textIn(replies, id, place) !== "";
}

/** Of an earlier reply; empty when it is not there. */
function textIn(replies: ReadonlyMap<string, Reply>, id: string, place: string): string {
  const value = valuesAt(replies.get(id)?.body, place)[0];
  return typeof value === "string" ? value : "";
}

/** `url`: in place of the row's default path. A value of an earlier reply that is not there is an empty text. */
function send(
  { baseUrl, ca, token }: AuthzenProcess,
  { request: { method, path: at, headers, body, raw_body } }: Row,
  replies: ReadonlyMap<string, Reply>,
  url = new URL(baseUrl).origin + at,
): Promise<Reply> {
  const text = raw_body ?? (body === undefined ? "" : JSON.stringify(body));
  const filled = text.replace(/\$\{([^:}]+):([^}]+)\}/g, (_all, id: string, place: string) =>
    textIn(replies, id, place),
  );
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        ca,
        timeout: TIMEOUT_MS,
        headers: {
          ...headers,
          authorization: `Bearer ${token}`,
          ...(method === "POST" ? { "content-length": Buffer.byteLength(filled) } : {}),
        },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.once("error", reject);
        answer.once("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: new Map(Object.entries(answer.headers).map(([name, value]) => [name, String(value)])),
            body: parsed(Buffer.concat(chunks).toString("utf8")),
          }),
        );
      },
    );
    sent.once("timeout", () => sent.destroy(new Error(`no answer to ${method} ${at} within ${TIMEOUT_MS} ms`)));
    sent.once("error", reject);
    sent.end(filled);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
