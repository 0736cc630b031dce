/** How the story looks at answers: one member of a body, a list of members, and something that becomes true. */
import type { Answer } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

/** The named members of a body as text or JSON, null where there is none. */
export function members(body: unknown, ...names: readonly string[]): Record<string, unknown> {
  const all = new Map<string, unknown>(typeof body === "object" && body !== null ? Object.entries(body) : []);
  return Object.fromEntries(names.map((name) => [name, all.get(name) ?? null]));
}

export function listAt(body: unknown, name: string): readonly unknown[] {
  const list = members(body, name)[name];
  return Array.isArray(list) ? list : [];
}

/** What an answer of the proxy says about why: status, outcome and nearest grant. */
export function refusal({ status, body }: Answer): Record<string, unknown> {
  return { status, ...members(body, "outcome", "grant_reason") };
}

/** Between calls of the REST interface that are repeated: well below the rate of one account. */
export const POLITE_MS = 250;

/** Repeats a call until its answer is what is waited for; how long that took, in milliseconds, and the answer. */
export async function eventually(
  what: string,
  deadlineMs: number,
  call: () => Promise<Answer>,
  isIt: (answer: Answer) => boolean,
  pace: { readonly everyMs?: number } = {},
): Promise<{ readonly answer: Answer; readonly ms: number }> {
  const begin = performance.now();
  let last: Answer | undefined;
  const look = async () => {
    last = await call();
    return isIt(last) ? last : undefined;
  };
  const answer = await waitUntil(what, deadlineMs, look, pace).catch((error: unknown) => {
    throw new Error(`waited for ${what}; the last answer was ${last?.status} ${JSON.stringify(last?.body)}`, {
      cause: error,
    });
  });
  return { answer, ms: Math.round(performance.now() - begin) };
}
