/**
 * Work for approval services that may be killed under it: requests to be approved or cancelled and grants to be revoked, done by many at
 * once, each acknowledged, refused or unanswered. What was not acknowledged is done again later; the end has to be the same.
 */
import { deniedId, granted, submitted } from "../../sample/story/ask.ts";
import type { Stage } from "../../sample/story/stage.ts";
import { type Answer, type Call, textAt } from "../../platform/programs/client.ts";

/** What a piece of work is done to, and what the record has to say of it in the end, decisions aside. */
export type Job = {
  readonly kind: "approve" | "cancel" | "revoke";
  readonly id: string;
  readonly events: readonly string[];
};

type Work = {
  readonly jobs: readonly Job[];
  /** Orders that a grant of three uses covers. */
  readonly limited: readonly string[];
};

const SUBMITTED = ["request.submitted"];
const APPROVED = [...SUBMITTED, "review.recorded", "request.approved", "grant.issued"];

/** Everything pending or live, so that one call does each job. `name` makes the orders those of this round. */
export async function prepareWork(
  stage: Stage,
  name: string,
  counts: { readonly approve: number; readonly cancel: number; readonly revoke: number; readonly limited: number },
): Promise<Work> {
  const denied = (what: string, n: number) => deniedId(stage, "DELETE", `/orders/${name}-${what}${n}`);
  const request = async (what: string, n: number) =>
    textAt((await submitted(stage, await denied(what, n))).body, "request", "id");
  const many = <T>(count: number, make: (n: number) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_, n) => make(n)));
  const [approve, cancel, revoke, limited] = await Promise.all([
    many(counts.approve, async (n) => ({ kind: "approve" as const, id: await request("a", n), events: APPROVED })),
    many(counts.cancel, async (n) => ({
      ...{ kind: "cancel" as const, id: await request("c", n) },
      events: [...SUBMITTED, "request.cancelled"],
    })),
    many(counts.revoke, async (n) => ({
      ...{ kind: "revoke" as const, id: await granted(stage, await denied("r", n)) },
      events: ["grant.issued", "grant.revoked"],
    })),
    many(counts.limited, async (n) => {
      await granted(stage, await denied("l", n), { max_uses: 3 });
      return `${name}-l${n}`;
    }),
  ]);
  return { jobs: [...approve, ...cancel, ...revoke], limited };
}

/** One job at one approval service: dana cancels, max approves and revokes. Rejects when nobody answers. */
export async function doJob(job: Job, { dana, max }: { readonly dana: Call; readonly max: Call }): Promise<Answer> {
  switch (job.kind) {
    case "approve": {
      const { body } = await max("GET", `/v1/requests/${job.id}`);
      const review = { vote: "approve", digest: textAt(body, "request", "digest") };
      return max("POST", `/v1/requests/${job.id}/reviews`, { body: review });
    }
    case "cancel":
      return dana("POST", `/v1/requests/${job.id}/cancel`, { body: {} });
    case "revoke":
      return max("POST", `/v1/grants/${job.id}/revoke`, { body: { reason: "a crash is coming" } });
  }
}

/**
 * Does all jobs with `workers` hands. `onAcknowledged` is told after each acknowledgement how many there are by then; what comes back are
 * the jobs that were not acknowledged, with the status or fault that came instead.
 */
export async function doAll(
  jobs: readonly Job[],
  workers: number,
  work: (job: Job) => Promise<Answer>,
  onAcknowledged: (count: number) => void,
): Promise<{ readonly acknowledged: readonly Job[]; readonly others: readonly { job: Job; said: string }[] }> {
  const waiting = [...jobs];
  const acknowledged: Job[] = [];
  const others: { job: Job; said: string }[] = [];
  const hands = Array.from({ length: workers }, async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const answer = await work(job).catch((error: unknown) => String(error));
      if (typeof answer !== "string" && answer.status === 200) {
        acknowledged.push(job);
        onAcknowledged(acknowledged.length);
      } else others.push({ job, said: typeof answer === "string" ? answer : String(answer.status) });
    }
  });
  await Promise.all(hands);
  return { acknowledged, others };
}
