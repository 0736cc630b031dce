/**
 * The way of an approval, over and over: a denied call that brings its reason, until the approver has been told; and the approval, from the
 * moment it is sent, until the same call is allowed, with one use redeemed.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AuthorizationService } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { frame } from "../../harness/grpc-frames.ts";
import { createCall, textAt } from "../../../platform/programs/client.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { checkOf } from "../check/sample-check.ts";
import { type Caller, openCaller } from "../load/callers.ts";
import { type BothServices, personToken } from "./both-services.ts";

const RETRY_EVERY_MS = 5;
const AGAIN_AFTER_MS = 1_000;
const PATIENCE_MS = 20_000;
const REASON = "the customer cancelled and was charged twice";
const ALLOWED = "0a00";

type RoundTrip = { readonly notifiedMs: number; readonly allowedMs: number };

/** `hands` are under way at once, each about an order of its own. */
export async function roundTrips(services: BothServices, count: number, hands: number): Promise<readonly RoundTrip[]> {
  const caller = openCaller(services.decision.port, {
    ...{ kind: "grpc", path: AuthorizationService.check.path, headers: {}, expected: ALLOWED },
  });
  const made: RoundTrip[] = [];
  let begun = 0;
  try {
    await Promise.all(
      Array.from({ length: hands }, async () => {
        while (begun < count) {
          begun += 1;
          made.push(await roundTrip(services, caller, randomUUID()));
        }
      }),
    );
  } finally {
    caller.close();
  }
  return made;
}

async function roundTrip({ approval, notices }: BothServices, caller: Caller, order: string): Promise<RoundTrip> {
  const scope = `order/${order}`;
  const asDana = { token: personToken("dana", "engineers"), method: "DELETE", path: `/orders/${order}` } as const;
  const denied = frame(checkOf({ ...asDana, further: [["countersign-reason", REASON]] }));
  const asked = notices.askedFor(scope);
  const deniedAt = performance.now();
  // Again when nothing comes of it, as a client does that is told to come back: a denial counts only when the stream has it in time.
  const again = new AbortController();
  void asked.finally(() => again.abort()).catch(() => {});
  while (!again.signal.aborted) {
    if (await caller.call(denied)) throw new Error(`${scope} was allowed before anybody approved it`);
    await sleep(AGAIN_AFTER_MS, undefined, { signal: again.signal }).catch(() => {});
  }
  const { requestId, at } = await asked;

  const max = createCall(approval.url, personToken("max", "managers"));
  const { body } = await max("GET", `/v1/requests/${requestId}`);
  const review = { vote: "approve", digest: textAt(body, "request", "digest") };
  const approvedAt = performance.now();
  const answer = await max("POST", `/v1/requests/${requestId}/reviews`, { body: review });
  if (answer.status !== 200)
    throw new Error(`the approval was answered ${answer.status} ${JSON.stringify(answer.body)}`);
  const retry = frame(checkOf(asDana));
  await waitUntil(`${scope} to be allowed`, PATIENCE_MS, () => caller.call(retry), { everyMs: RETRY_EVERY_MS });
  return { notifiedMs: at - deniedAt, allowedMs: performance.now() - approvedAt };
}
