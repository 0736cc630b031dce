/**
 * Ends a grant early. The requester may give up their own, whoever may review the request may take it back, and so may security, which the edge
 * vouches for. Revoking is easier than granting: it needs no quorum and no digest, and nothing outside the database is asked except who is who.
 */
import { principalOf } from "../../../core/domain/access-request.ts";
import { asOfUntil, revoke } from "../../../core/domain/grant.ts";
import { hasAStakeIn } from "../../../core/domain/stake.ts";
import type { People, Reads, Transactions } from "../ports.ts";
import type { RevokeGrant, RevokeOutcome } from "./ports.ts";
import { plainText } from "../../../core/domain/plain-text.ts";

type Deps = { readonly reads: Pick<Reads, "grant" | "request">; readonly people: People; readonly store: Transactions };

export function createRevokeGrant({ reads, people, store }: Deps) {
  return async ({ grantId, by, asSecurity, reason, unchanged, settle }: RevokeGrant): Promise<RevokeOutcome> => {
    const seen = await reads.grant(grantId);
    const request = seen === undefined ? undefined : await reads.request(seen.requestId);
    if (request === undefined) return { kind: "refused", reason: "unknown_grant" };
    const party = await people.resolve(by);
    if (!asSecurity && !hasAStakeIn(request, party)) return { kind: "refused", reason: "not_allowed" };

    return store.transaction(
      "revoke",
      async (tx): Promise<RevokeOutcome> => {
        const grant = await tx.grants.lock(grantId);
        if (grant === undefined) return { kind: "refused", reason: "unknown_grant" };
        const now = await tx.now();
        // Time alone changes nothing that a caller would have to look at again: it may have begun since they did, or ended (`already_final`).
        if (unchanged !== undefined && !asOfUntil(grant, now).some(unchanged))
          return { kind: "refused", reason: "precondition_failed" };
        const why = reason === undefined ? undefined : plainText(reason);
        const { policyRevision } = request;
        const ended = revoke(grant, { by: principalOf(party), policyRevision, reason: why }, now);
        if (ended.kind === "already_final") return { kind: "refused", reason: "already_final" };
        await tx.grants.save(ended.grant);
        await tx.outbox.append([ended.event]);
        await tx.notifications.append({ kind: "grant_revoked", grant: ended.grant });
        return { kind: "revoked", grant: ended.grant };
      },
      settle,
    );
  };
}
