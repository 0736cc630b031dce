/** What an enforcer by API needs that is tested in the whole real set: a policy of the test's beside ours, and people as the enforcer knows them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Answer, textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { makeBundle } from "../harness/made-bundle.ts";
import type { System } from "../harness/system.ts";

/** Makes the bundle `folder/bundle` of `policy`, which both services can have; gives its path. */
export async function bundleWith(folder: string, policy: string): Promise<string> {
  const rego = join(import.meta.dirname, "../../rego/countersign");
  const names = ["decision.rego", "approval/route.rego", "approval/may_review.rego"];
  const texts = await Promise.all(names.map((name) => readFile(join(rego, name), "utf8")));
  const path = join(folder, "bundle");
  await makeBundle(path, [...texts, policy], { countersign: { requires: {} } });
  return path;
}

export type Known = {
  readonly type: "user";
  readonly id: string;
  readonly properties: { readonly [name: string]: unknown };
};

/** With the claims that make them the person they are to the approval service. */
export async function knownAs(system: System, user: string): Promise<Known> {
  const [, payload = ""] = (await system.token(user)).split(".");
  const claims: { readonly iss?: string; readonly sub?: string } = Object(
    JSON.parse(Buffer.from(payload, "base64url").toString()),
  );
  const { iss: _iss, sub: id = "", ...properties } = claims;
  return { type: "user", id, properties };
}

/** The first answer whose denial was on the stream in time. AuthZEN says the opposite by its reason; nothing has happened then. */
export function requestable(evaluate: () => Promise<Answer>): Promise<Answer> {
  return waitUntil("a denial that can be requested", 30_000, async () => {
    const answer = await evaluate();
    return !JSON.stringify(answer.body).includes('"request_unavailable"') && answer;
  });
}

/** What a denial over AuthZEN says of itself, as an access request has to show it. */
export function shownDenial(denied: unknown): object {
  return {
    evaluation_id: textAt(denied, "context", "evaluation_id"),
    expires_at: textAt(denied, "context", "access_request", "expires_at"),
    binding_token: textAt(denied, "context", "access_request", "binding_token"),
  };
}
