/**
 * Binding tokens as secrets: a client of the API is given one with a denial, and it is submitted, good and forged, by whoever was denied and
 * by somebody else. Whoever has one can ask for what was denied, so it stands in the answer to the client and nowhere else.
 */
import { createCall, textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import type { System } from "../harness/system.ts";
import { PLANTED } from "./planted-secrets.ts";

const PATH = "/access/v1/requests";
const ARRIVAL_MS = 60_000;
const REASON = "the customer asked for it, ticket 4711";

type Submitted = {
  readonly tokens: ReadonlyMap<string, string>;
  /** What those were answered who submitted. */
  readonly answers: readonly string[];
};

/** @throws when nothing comes of the good one: then a search for it shows nothing */
export async function submitBindingTokens(system: System, apiPort: number): Promise<Submitted> {
  const [, payload = ""] = (await system.token("dana")).split(".");
  const claims: { readonly iss?: string; readonly sub?: string } = Object(
    JSON.parse(Buffer.from(payload, "base64url").toString()),
  );
  const { iss: _iss, sub: id = "", ...properties } = claims;
  const question = {
    ...{ subject: { type: "user", id, properties }, action: { name: "connect" } },
    resource: { type: "tcp_connection", id: "orders-db.example" },
  };
  const client = createCall(`http://127.0.0.1:${apiPort}`, PLANTED["the token of a client of the API"]);
  const enforced = { ...question, options: { countersign_mode: "enforce" } };
  const denied = await client("POST", "/access/v1/evaluation", { body: enforced });
  const offer = (name: string) => textAt(denied.body, "context", "access_request", name);
  const good = offer("binding_token");
  const forged = good.replace(/[^.]+$/, Buffer.alloc(64, 6).toString("base64url"));
  const bodyOf = (binding_token: string) => ({
    ...question,
    context: { business_justification: REASON },
    denial: {
      evaluation_id: textAt(denied.body, "context", "evaluation_id"),
      expires_at: offer("expires_at"),
      binding_token,
    },
  });

  const answers: string[] = [];
  const [dana, sam] = [(await system.as("dana")).approvals, (await system.as("sam")).approvals];
  for (const token of [forged, `${good}x`, good]) {
    for (const [call, path, body] of [
      [sam, PATH, bodyOf(token)],
      [sam, "/v1/requests", { binding_token: token, justification: REASON }],
      [dana, "/v1/requests", { binding_token: token, justification: 7 }],
    ] as const)
      answers.push(JSON.stringify((await call("POST", path, { body })).body));
  }
  const task = await waitUntil("the denial to arrive", ARRIVAL_MS, async () => {
    const answer = await dana("POST", PATH, { body: bodyOf(good) });
    return answer.status !== 404 && answer;
  });
  if (task.status !== 202) throw new Error(`a good binding token was answered ${task.status}`);
  answers.push(JSON.stringify(task.body));
  return {
    tokens: new Map([
      ["a binding token", good],
      ["a forged binding token", forged],
    ]),
    answers,
  };
}
