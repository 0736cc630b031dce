/** The requester takes a pending request back, from any account of the same person. */
import { type AccessRequest, cancel } from "../../../core/domain/access-request.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import type { People, Transactions } from "../ports.ts";
import { plainText } from "../../../core/domain/plain-text.ts";

export type CancelRequest = {
  readonly requestId: Id<"request">;
  readonly by: Subject;
  readonly reason: string | undefined;
};

export type CancelOutcome =
  | { readonly kind: "cancelled"; readonly request: AccessRequest }
  | { readonly kind: "refused"; readonly reason: "unknown_request" | "not_requester" | "not_pending" };

export function createCancelRequest({ people, store }: { readonly people: People; readonly store: Transactions }) {
  return async ({ requestId, by, reason }: CancelRequest): Promise<CancelOutcome> => {
    const party = await people.resolve(by);
    return store.transaction(async (tx): Promise<CancelOutcome> => {
      const request = await tx.requests.lock(requestId);
      if (request === undefined) return { kind: "refused", reason: "unknown_request" };
      const why = reason === undefined ? undefined : plainText(reason);
      const outcome = cancel(request, party, why, await tx.now());
      if (outcome.kind === "refused") {
        return { kind: "refused", reason: outcome.reason === "not_requester" ? "not_requester" : "not_pending" };
      }
      await tx.requests.save(outcome.request);
      await tx.outbox.append(outcome.events);
      await tx.notifications.append({ kind: "request_ended", request: outcome.request, grant: undefined });
      return { kind: "cancelled", request: outcome.request };
    });
  };
}
