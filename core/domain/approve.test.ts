/** When two people have to agree, in time: the one's "later" is not the other's "now". */
import { describe, expect, test } from "@jest/globals";
import type { AccessRequest } from "./access-request.ts";
import { anyOf, NOW, party, PENDING, vote } from "../../test/samples/domain.ts";
import { review, type Vote } from "./review.ts";
import { durationMs, type Instant, plus } from "./time.ts";

const at = (minutes: number): Instant => plus(NOW, durationMs(minutes * 60_000));

/** Asks for one hour; two managers have to agree, or three. */
function pending(managers = 2): AccessRequest {
  const of = Array.from({ length: managers }, () => anyOf("managers"));
  return { ...PENDING, requirement: { kind: "n_of", n: managers, of } };
}

function approves(name: string, narrowing?: Vote["narrowing"]): Vote {
  return vote(party(name, name, ["managers"]), { narrowing });
}

function after(request: AccessRequest, vote: Vote, now: Instant): AccessRequest {
  const outcome = review(request, vote, now);
  if (outcome.kind === "refused") throw new Error(outcome.reason);
  return outcome.request;
}

const tomorrow = { notBefore: at(20 * 60) };

describe("an approval for a time that nobody else agreed to is refused", () => {
  test("when the first agreed to an hour from now and the second says tomorrow", () => {
    const one = after(pending(), approves("max"), at(0));
    const outcome = review(one, approves("mia", tomorrow), at(5));
    expect(outcome).toMatchObject({ kind: "refused", reason: "no_common_time" });
    expect(outcome.events[0]).toMatchObject({ type: "review.refused", data: { reason: "no_common_time" } });
  });

  test("when the first said tomorrow and the second, who did not look, agrees to an hour from now", () => {
    const one = after(pending(), approves("max", tomorrow), at(0));
    expect(review(one, approves("mia"), at(5))).toMatchObject({ kind: "refused", reason: "no_common_time" });
    expect(review(one, approves("mia", tomorrow), at(5))).toMatchObject({
      grant: { state: "scheduled", notBefore: at(20 * 60), expiresAt: at(21 * 60) },
    });
  });

  test("already when a third has still to vote, whom it would keep from approving", () => {
    const one = after(pending(3), approves("max"), at(0));
    expect(review(one, approves("mia", tomorrow), at(5))).toMatchObject({ reason: "no_common_time" });
  });

  test("when the one's time is over before the other's begins", () => {
    const short = { notBefore: at(60), duration: durationMs(10 * 60_000) };
    const one = after(pending(), approves("max", short), at(0));
    expect(review(one, approves("mia", { notBefore: at(70) }), at(5))).toMatchObject({ reason: "no_common_time" });
  });
});

describe("what was asked for until a moment", () => {
  const asked = (): AccessRequest => ({ ...pending(), requested: { ...pending().requested, notAfter: at(60) } });

  test("ends then, however late it is approved", () => {
    const one = after(asked(), approves("max"), at(0));
    expect(review(one, approves("mia"), at(55))).toMatchObject({ grant: { notBefore: at(55), expiresAt: at(60) } });
  });

  test("ends before it, when it is approved for less", () => {
    const one = after(asked(), approves("max", { duration: durationMs(10 * 60_000) }), at(0));
    expect(review(one, approves("mia"), at(5))).toMatchObject({ grant: { expiresAt: at(15) } });
  });

  test("cannot be approved from that moment on, nor for later, and can still be denied", () => {
    const one = after(asked(), approves("max"), at(0));
    expect(review(one, approves("mia"), at(60))).toMatchObject({ kind: "refused", reason: "no_common_time" });
    expect(review(one, approves("mia", { notBefore: at(60) }), at(5))).toMatchObject({ reason: "no_common_time" });
    const no = { ...approves("mia"), vote: "deny", comment: "too late" } as const;
    expect(review(one, no, at(60))).toMatchObject({ request: { status: "denied" } });
  });
});

describe("a grant of two approvals is usable in the time that both agreed to", () => {
  test("a later start leaves the rest of the other's hour", () => {
    const one = after(pending(), approves("max"), at(0));
    expect(review(one, approves("mia", { notBefore: at(40) }), at(5))).toMatchObject({
      grant: { state: "scheduled", notBefore: at(40), expiresAt: at(65) },
      events: [{}, {}, { type: "grant.issued", data: { duration: 25 * 60_000 } }],
    });
  });

  test("a start that has passed at the last vote counts as from then on", () => {
    const one = after(pending(), approves("max", { notBefore: at(30) }), at(0));
    expect(review(one, approves("mia"), at(90))).toMatchObject({
      grant: { state: "active", notBefore: at(90), expiresAt: at(150) },
    });
  });

  test("a limit of the routing cuts that time short, from its start", () => {
    const limited = { ...pending(), limits: { maxUses: undefined, maxDuration: durationMs(10 * 60_000) } };
    const one = after(limited, approves("max"), at(0));
    expect(review(one, approves("mia", { notBefore: at(40) }), at(5))).toMatchObject({
      grant: { notBefore: at(40), expiresAt: at(50) },
    });
  });
});
