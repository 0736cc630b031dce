/** AuthZEN over HTTP as the real process serves it, with a policy of its own, two clients with service tokens, and people with tokens of theirs. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort } from "../../harness/free-port.ts";
import { makeBundle } from "../../harness/made-bundle.ts";
import { ISSUER, startLoneDecision } from "./lone-decision.ts";

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
/** Trusted for users. */
export const CLIENT = "service-token-of-the-gateway";
/** Trusted for nobody. */
export const STRANGER = "service-token-of-a-stranger";

type Sent = { readonly as?: string | null; readonly headers?: object; readonly at?: string };

export type AuthzenProcess = Awaited<ReturnType<typeof startAuthzenProcess>>;

/** Makes a folder a bundle of the policy and the candidates above. */
async function makeOwn(bundle: string): Promise<void> {
  const texts = await Promise.all(
    ["decision.rego", "approval/route.rego", "approval/may_review.rego"].map((name) =>
      readFile(path.join(rego, name), "utf8"),
    ),
  );
  await makeBundle(bundle, [...texts, POLICY, CANDIDATES], { countersign: { requires: {} } });
}

/** Needs OPA. `make`: makes a folder the bundle that it decides by. */
export async function startAuthzenProcess(make: (bundle: string) => Promise<void> = makeOwn) {
  const folder = await mkdtemp(path.join(tmpdir(), "authzen-"));
  const bundle = path.join(folder, "bundle");
  await make(bundle);
  const fileOf = (name: string) => path.join(folder, name);
  await writeFile(fileOf("gateway"), `${CLIENT}\n`);
  await writeFile(fileOf("stranger"), STRANGER);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const decision = await startLoneDecision({
    folder,
    name: "authzen",
    bundle,
    further: {
      api: {
        baseUrl: "https://pdp.example",
        httpPort: port,
        maxBatch: 4,
        clients: [
          { name: "gateway", tokenPath: fileOf("gateway"), subjects: { user: ISSUER } },
          { name: "stranger", tokenPath: fileOf("stranger") },
        ],
      },
    },
  });

  async function post(body: unknown, { as = CLIENT, headers = {}, at = "evaluation" }: Sent = {}) {
    const response = await fetch(`${base}/access/v1/${at}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(as === null ? {} : { authorization: `Bearer ${as}` }),
        ...headers,
      },
      body: typeof body === "string" ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
    const read: unknown = isJson ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, body: read };
  }

  return {
    post,
    /** What it says of itself. */
    async metadata(): Promise<unknown> {
      const response = await fetch(`${base}/.well-known/authzen-configuration`, {
        signal: AbortSignal.timeout(30_000),
      });
      return response.json();
    },
    opsUrl: decision.opsUrl,
    /** Gives the first client another token, as an operator does. */
    async replaceToken(text: string) {
      await writeFile(fileOf("gateway"), text);
      decision.reload();
    },
    async [Symbol.asyncDispose]() {
      await decision.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Whether dana may do this to file f1. */
export const ask = (name: string, { subject = {}, resource = {}, ...more }: { [name: string]: object } = {}) => ({
  subject: { type: "user", id: "dana", ...subject },
  action: { name },
  resource: { type: "file", id: "f1", ...resource },
  ...more,
});
/** It is allowed, and by her own token too. */
export const OWN = ask("read", { resource: { properties: { owner: "dana" } } });
