/**
 * Rows that ask of us what we do not do, and why. The tests that name one show what is done in its place. docs/authzen.md has the same table
 * (completeness.test.ts compares them).
 */
import type { RequirementId } from "../../../scripts/conformance/authzen/profile-requirements.ts";
import { byRow } from "./by-row.ts";

export const REASONS: Readonly<Record<string, readonly RequirementId[]>> = {
  "an approval covers what the policy's elevation says, its entitlement and its scope, and not the whole question: properties, context and the denied evaluation count as far as the policy puts them into the scope. Who acts for the subject always counts, although the draft leaves `act` out. A policy that wants the draft's default makes its scope of all of it":
    ["arap-12-6", "arap-12-22"],
  "an id of a task or a grant is a UUID of version 7: behind its time come 74 random bits, not 122. Nothing is opened by an id alone: each access is authorized by itself":
    ["arap-10-2-4", "arap-12-3"],
  "a submission is authorized by the requester's own token alone: a task and its grant are bound to that account and to who acts for it, and not to a client. Which client asked is in the decision log (`client`)":
    ["arap-12-13", "arap-18-4"],
  "no `approval.state` is issued, so whatever is sent as one is refused, a compact JWS by our own key too: the question is judged as if no approval had come, and a denial says `approval_unverifiable`. Grants are looked up, and a live one allows and is named in the answer":
    ["arap-21-1-4-9"],
  "our names in `context` are plain words, neither registered nor URIs: AuthZEN leaves the context of a decision to whoever decides. They are listed under Answers":
    ["arap-15-2-1"],
  "no `jti` is remembered: a token that is submitted again, under whatever key, is answered with the task that it made, and makes no second one":
    ["arap-21-1-4-4"],
  "the approval service knows the keys by configuration and takes them anew at SIGHUP; it fetches none": ["arap-6-5"],
  "an idempotency key is kept for 24 hours from its call, as for every write here": ["arap-10-1-14"],
  "requests and their audit record are kept by design, and denials lapse after 15 minutes; there is no setting of retention":
    ["arap-20-2"],
  "the token carries the hashed form, so that it stays small whatever the context": ["arap-21-1-4-5"],
  "`emergency` changes nothing: whoever needs another way in writes it into the policy": ["arap-21-2-3-1"],
};

export const DEVIATES = byRow(REASONS);
