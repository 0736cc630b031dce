/** What one API request asks, whichever protocol it came by: about whom its caller may ask, in which mode, with one deadline for all of it. */
import type { Entity } from "../../../core/domain/question.ts";
import type { UnderWay } from "../../../platform/lifecycle/under-way.ts";
import type { Vouched } from "../ports.ts";
import type { ApiCallers, Asking, AskQuestion } from "./ports.ts";

type AskingDeps = {
  readonly ask: AskQuestion;
  readonly callers: Pick<ApiCallers, "vouch" | "inOwnWords">;
  /** NB: of the whole request: its use of a grant may be spent, and items of a batch be still to come, when its caller has left. */
  readonly underWay: UnderWay;
};

export function createAsking({ ask, callers, underWay }: AskingDeps): Asking {
  return {
    modeOf(caller, stated) {
      const client = caller.kind === "client" ? caller.client : undefined;
      const mode = stated ?? client?.defaultMode ?? "ask";
      return mode === "ask" || client?.enforcer === true ? mode : undefined;
    },

    async during({ caller, deadline, traceparent }, answer) {
      /** In a batch the subject is usually the same for all items. */
      let last: { readonly entity: Entity; readonly vouched: Vouched } | undefined;
      const vouchedFor = (entity: Entity): Vouched => {
        if (last?.entity !== entity) last = { entity, vouched: callers.vouch(caller, entity) };
        return last.vouched;
      };
      const client = caller.kind === "client" ? caller.client.name : undefined;
      underWay.begin();
      try {
        return await answer((question, mode) => {
          const vouched = vouchedFor(question.subject);
          return ask(callers.inOwnWords(caller, question), { vouched, deadline, mode, traceparent, client });
        });
      } finally {
        underWay.end();
      }
    },
  };
}
