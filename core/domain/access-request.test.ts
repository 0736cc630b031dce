import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { anyOf, HOUR, NOW, party, PENDING, vote } from "../../test/samples/domain.ts";
import { type AccessRequest, cancel, expireRequest } from "./access-request.ts";
import type { Requirement } from "./requirement.ts";
import { review } from "./review.ts";
import { instant, plus } from "./time.ts";

const dana = party("dana", "dana");
const max = party("max", "max", ["managers"]);
const mia = party("mia", "mia", ["managers"]);
const sam = party("sam", "sam", ["security"]);
const TWO: Requirement = { kind: "n_of", n: 2, of: [anyOf("managers"), anyOf("managers")] };

test("whatever is done in whatever order, there is one final state, one grant at most, and never the requester's vote", () => {
  const people = [dana, max, mia, sam, party("dana2", "dana", ["managers"])];
  const step = fc.record({
    who: fc.integer({ min: 0, max: people.length - 1 }),
    what: fc.constantFrom("approve", "deny", "cancel", "expire"),
    atMs: fc.integer({ min: 0, max: 4_000_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
      let request: AccessRequest = { ...PENDING, requirement: TWO, expiresAt: plus(NOW, HOUR) };
      let grants = 0;
      for (const { who, what, atMs } of steps) {
        const before = request;
        const actor = people[who] ?? dana;
        const at = instant(NOW + atMs);
        if (what === "approve" || what === "deny") {
          const outcome = review(request, vote(actor, { vote: what, comment: "because" }), at);
          if (outcome.kind === "reviewed") request = outcome.request;
          if (outcome.kind === "reviewed" && outcome.grant !== undefined) grants += 1;
        } else {
          const outcome = what === "cancel" ? cancel(request, actor, undefined, at) : expireRequest(request, at);
          if (outcome.kind === "closed") request = outcome.request;
        }
        if (before.status !== "pending") expect(request).toBe(before);
      }
      expect(grants).toBe(request.status === "approved" ? 1 : 0);
      const voters = request.reviews.map(({ reviewer }) => reviewer.person.id);
      expect(new Set(voters).size).toBe(voters.length);
      expect(voters).not.toContain("dana");
      if (request.status === "approved") expect(voters.length).toBeGreaterThanOrEqual(2);
    }),
    { numRuns: 500 },
  );
});
