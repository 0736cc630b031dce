/**
 * Access Request and Approval Profile, draft 1: what a denial says about requesting access. It adapts what exists: the denial was published, the
 * signing key signs the token, the approval service takes the submission. Names of the profile occur only here, in metadata.ts and in
 * reevaluation.ts, so that another draft changes only these files and core/messages/access-request-profile.ts, which says which one it is.
 */
import type { IssuedDenial } from "../../../core/domain/decision.ts";
import type { Elevation } from "../../../core/domain/elevation.ts";
import { boundMembers } from "../../../core/domain/bound-question.ts";
import type { Question } from "../../../core/domain/question.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { type Instant, rfc3339 } from "../../../core/domain/time.ts";
import { signBindingToken } from "../../../core/identity/binding-token.ts";
import { bindingHash, questionHash } from "../../../core/messages/question-binding.ts";
import type { PublicJwk, Signer } from "../../../core/messages/signing.ts";
import type { Faults } from "../ports.ts";

export type AccessRequests = {
  /** Where enforcers submit requests; https. */
  readonly endpoint: string;
  /** The keys that verify its tokens. */
  keys(): readonly PublicJwk[];
  /** `context.access_request`, or undefined when no token can be made: then the denial is a plain one. Never throws. */
  offer(denial: IssuedDenial, question: Question, elevations: readonly Elevation[], now: Instant): Json | undefined;
};

type AccessRequestDeps = {
  readonly signer: Signer;
  readonly newTokenId: () => string;
  readonly faults: Faults;
};

export function createAccessRequests(
  { signer, newTokenId, faults }: AccessRequestDeps,
  { issuer, endpoint, keys }: Pick<AccessRequests, "endpoint" | "keys"> & { readonly issuer: string },
): AccessRequests {
  return {
    endpoint,
    keys,
    offer(denial, question, [first], now) {
      try {
        const binding = {
          denialId: denial.id,
          denialExpiresAt: denial.expiresAt,
          hash: bindingHash(questionHash(question)),
          contextMembers: boundMembers(question.context),
        };
        const parties = { issuer, audience: endpoint };
        return {
          endpoint,
          expires_at: rfc3339(denial.expiresAt),
          binding_token: signBindingToken(signer, binding, { ...parties, now, tokenId: newTokenId() }),
          ...(first === undefined ? {} : { display: { title: first.title } }),
        };
      } catch (error) {
        faults.report(error);
        return undefined;
      }
    },
  };
}
