/** The requester takes a pending request back, from any account of the same person. */
import { cancel } from "../../../core/domain/access-request.ts";
import type { People, Transactions } from "../ports.ts";
import type { CancelOutcome, CancelRequest } from "./ports.ts";
import { plainText } from "../../../core/domain/plain-text.ts";

export function createCancelRequest({ people, store }: { readonly people: People; readonly store: Transactions }) {
  return async ({ requestId, by, reason, unchanged, settle }: CancelRequest): Promise<CancelOutcome> => {
    const party = await people.resolve(by);
    return store.transaction(
      "cancel",
      async (tx): Promise<CancelOutcome> => {
        const request = await tx.requests.lock(requestId);
        if (request === undefined) return { kind: "refused", reason: "unknown_request" };
        if (unchanged?.(request) === false) return { kind: "refused", reason: "precondition_failed" };
        const why = reason === undefined ? undefined : plainText(reason);
        const outcome = cancel(request, party, why, await tx.now());
        if (outcome.kind === "refused") {
          return { kind: "refused", reason: outcome.reason === "not_requester" ? "not_requester" : "not_pending" };
        }
        await tx.requests.save(outcome.request);
        await tx.outbox.append(outcome.events);
        await tx.notifications.append({ kind: "request_ended", request: outcome.request, grant: undefined });
        return { kind: "cancelled", request: outcome.request };
      },
      settle,
    );
  };
}
