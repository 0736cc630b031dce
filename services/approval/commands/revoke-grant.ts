/**
 * Ends a grant before its time. The requester may give up their own; whoever may review the request may take it back; and
 * so may security, which the edge vouches for. Taking away is easier than giving: it needs no quorum, no digest, and
 * nobody is asked outside of the database but for who is who.
 */
import { isOwner, principalOf } from "../../../core/domain/access-request.ts";
import type { AccessRequest } from "../../../core/domain/access-request.ts";
import { type Grant, revoke } from "../../../core/domain/grant.ts";
import type { Id } from "../../../core/domain/id.ts";
import { mayFillASlot } from "../../../core/domain/requirement.ts";
import { type Party, samePerson, type Subject } from "../../../core/domain/subject.ts";
import type { People, Reads, Transactions } from "../ports.ts";
import { plainText } from "../../../core/domain/plain-text.ts";

export type RevokeGrant = {
  readonly grantId: Id<"grant">;
  readonly by: Subject;
  /** The caller has the security role by configuration. */
  readonly asSecurity: boolean;
  readonly reason: string | undefined;
};

export type RevokeOutcome =
  | { readonly kind: "revoked"; readonly grant: Grant }
  | { readonly kind: "refused"; readonly reason: "unknown_grant" | "not_allowed" | "already_final" };

type Deps = { readonly reads: Pick<Reads, "grant" | "request">; readonly people: People; readonly store: Transactions };

export function createRevokeGrant({ reads, people, store }: Deps) {
  return async ({ grantId, by, asSecurity, reason }: RevokeGrant): Promise<RevokeOutcome> => {
    const seen = await reads.grant(grantId);
    const request = seen === undefined ? undefined : await reads.request(seen.requestId);
    if (request === undefined) return { kind: "refused", reason: "unknown_grant" };
    const party = await people.resolve(by);
    if (!asSecurity && !mayRevoke(request, party)) return { kind: "refused", reason: "not_allowed" };

    return store.transaction(async (tx): Promise<RevokeOutcome> => {
      const grant = await tx.grants.lock(grantId);
      if (grant === undefined) return { kind: "refused", reason: "unknown_grant" };
      const ended = revoke(grant);
      if (ended.kind === "already_final") return { kind: "refused", reason: "already_final" };
      await tx.grants.save(ended.grant);
      await tx.outbox.append([
        {
          type: "grant.revoked",
          by: principalOf(party),
          denialId: grant.denialId,
          requestId: grant.requestId,
          grantId: grant.id,
          policyRevision: request.policyRevision,
          data: { reason: reason === undefined ? undefined : plainText(reason) },
        },
      ]);
      await tx.notifications.append({ kind: "grant_revoked", grant: ended.grant });
      return { kind: "revoked", grant: ended.grant };
    });
  };
}

function mayRevoke(request: AccessRequest, party: Party): boolean {
  const { person } = party;
  const isBehindTheAgent =
    person !== undefined && request.requester.actorPersons.some((one) => samePerson(one, person));
  if (isOwner(request.requester, party) || isBehindTheAgent) return true;
  if (party.person === undefined || party.machine || request.requirement === undefined) return false;
  return mayFillASlot(request.requirement, { person: party.person, groups: party.subject.groups });
}
