/**
 * A grant without a limit of uses, under continuous calls: nothing but the state topic, and what a decision service knows of the time, can
 * stop it. Every answer is kept with its moment, so that a test can say when the last allow was.
 */
import { approved, deniedId, submitted } from "../../sample/story/ask.ts";
import { members } from "../../sample/story/see.ts";
import type { Stage } from "../../sample/story/stage.ts";
import { type Answer, textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

export type Seen = {
  /** `performance.now()` when it was called and when it was answered. */
  readonly sentAt: number;
  readonly at: number;
  readonly status: number;
  /** Problem type and grant reason; `allowed` for what the upstream answered. */
  readonly said: string;
};

export type Watch = AsyncDisposable & {
  /** In the order of their answers. */
  readonly seen: readonly Seen[];
  /** Resolves when the last `count` answers, all of them to calls made from now on, are of this kind. */
  until(what: string, count: number, isIt: (one: Seen) => boolean, deadlineMs?: number): Promise<void>;
};

export const isAllowed = ({ said }: Seen): boolean => said === "allowed";
export const isRevoked = ({ said }: Seen): boolean => said === "needs_approval revoked";

/** dana is denied reading refunds, asks for it, and max approves; the grant's id and when the approval was answered. */
export async function openWindow(
  stage: Stage,
  requested: object = {},
): Promise<{ readonly grantId: string; readonly expiresAt: number; readonly approvedAt: number }> {
  const asked = await submitted(stage, await deniedId(stage, "GET", "/refunds"), requested);
  const { body } = await approved(stage, textAt(asked.body, "request", "id"));
  const approvedAt = performance.now();
  return {
    grantId: textAt(body, "grant", "id"),
    expiresAt: Date.parse(textAt(body, "grant", "expires_at")),
    approvedAt,
  };
}

/** max revokes; the commit lies between the two moments. */
export async function revoke(stage: Stage, grantId: string): Promise<{ readonly sentAt: number; readonly at: number }> {
  const { approvals } = await stage.as("max");
  const sentAt = performance.now();
  const { status, body } = await approvals("POST", `/v1/grants/${grantId}/revoke`, { body: { reason: "not needed" } });
  const at = performance.now();
  if (status !== 200) throw new Error(`the revocation was answered ${status} ${JSON.stringify(body)}`);
  return { sentAt, at };
}

/** Calls from now on, `callers` at a time and each again as soon as it has its answer, until disposed of. */
export function watch(call: () => Promise<Answer>, callers: number): Watch {
  const seen: Seen[] = [];
  let on = true;
  async function caller(): Promise<void> {
    while (on) {
      const sentAt = performance.now();
      const answer = await call();
      seen.push({ sentAt, at: performance.now(), status: answer.status, said: saidBy(answer) });
    }
  }
  const running = Promise.all(Array.from({ length: callers }, caller));
  // Whoever waits for something is told; the end tells the rest.
  running.catch(() => {
    on = false;
  });
  return {
    seen,
    async until(what, count, isIt, deadlineMs = 60_000) {
      const from = performance.now();
      await waitUntil(what, deadlineMs, () => {
        const last = seen.slice(-count);
        return !on || (last.length === count && last.every((one) => one.sentAt >= from && isIt(one)));
      }).catch((error: unknown) => {
        throw new Error(`${String(error)}; last seen: ${JSON.stringify(seen.slice(-3))}`, { cause: error });
      });
      if (!on) await running;
    },
    async [Symbol.asyncDispose]() {
      on = false;
      await running;
    },
  };
}

/** When the last allow was answered; undefined without one. */
export function lastAllowAt(seen: readonly Seen[]): number | undefined {
  return seen.findLast(isAllowed)?.at;
}

/** How often what was said, for the line of numbers. */
export function tally(seen: readonly Seen[]): string {
  const counts = new Map<string, number>();
  for (const { status, said } of seen) counts.set(`${status} ${said}`, (counts.get(`${status} ${said}`) ?? 0) + 1);
  return [...counts].map(([what, count]) => `${count} × ${what}`).join(", ");
}

function saidBy({ status, body }: Answer): string {
  const { type, grant_reason: reason } = members(body, "type", "grant_reason");
  if (typeof type !== "string") return status === 200 ? "allowed" : "no problem type";
  const kind = type.replace("urn:countersign:problem:", "");
  return typeof reason === "string" ? `${kind} ${reason}` : kind;
}
