/** Constructs the commands: one store behind all of them, and the ports to identity, policy and hashes. */
import { randomBytes } from "node:crypto";
import { digest } from "../../../core/domain/id.ts";
import { digestFromHashes } from "../../../core/messages/binding-digest.ts";
import { hashJson } from "../../../core/messages/hashing.ts";
import { requestKey } from "../../../core/messages/record-keys.ts";
import { createAcceptDenial } from "../commands/accept-denial.ts";
import { createCancelRequest } from "../commands/cancel-request.ts";
import { createCloseIncident } from "../commands/close-incident.ts";
import { createOpenIncident } from "../commands/open-incident.ts";
import { createDismissRecord } from "../commands/dismiss-record.ts";
import { createQuarantineRecord } from "../commands/quarantine-record.ts";
import { createRecordDecisions } from "../commands/record-decision.ts";
import { createRedeem } from "../commands/redeem.ts";
import { createReplayRecord, type ReadAgain } from "../commands/replay-record.ts";
import { createReviewRequest } from "../commands/review-request.ts";
import { createRevokeGrant } from "../commands/revoke-grant.ts";
import { createSubmitRequest } from "../commands/submit-request.ts";
import { createSweep } from "../commands/sweep.ts";
import type { ApprovalConfig } from "../config.ts";
import type { Bell, Digests, Ids, People, Permission, Router } from "../ports.ts";
import type { Store } from "../store/store.ts";

export type Commands = ReturnType<typeof createCommands>;

const DIGESTS: Digests = {
  requestKey,
  ofJson: hashJson,
  ofCall: ({ fieldHashes }, names) => digestFromHashes(fieldHashes, names),
  salt: () => digest(randomBytes(32).toString("hex")),
};

export function createCommands(
  {
    store,
    people,
    policy,
    ids,
    bell,
  }: {
    readonly store: Store;
    readonly people: People;
    readonly policy: Router & Permission;
    readonly ids: Ids;
    readonly bell: Bell;
  },
  { profiles }: Pick<ApprovalConfig, "profiles">,
) {
  const { reads } = store;
  const submit = createSubmitRequest({ reads, people, router: policy, digests: DIGESTS, ids, store });
  const kept = { keepDays: profiles.enabled ? profiles.keepDays : undefined };
  return {
    submit,
    review: createReviewRequest({ reads, people, permission: policy, ids, store }),
    cancel: createCancelRequest({ people, store }),
    revoke: createRevokeGrant({ reads, people, store }),
    openIncident: createOpenIncident({ people, ids, store }),
    closeIncident: createCloseIncident({ people, store }),
    redeem: createRedeem({ store, bell }),
    sweep: createSweep({ store }, kept),
    acceptDenial: createAcceptDenial({ reads, store, people, submit }),
    recordDecisions: createRecordDecisions({ store }, kept),
    quarantine: createQuarantineRecord({ store, ids }),
    dismiss: createDismissRecord({ people, reads, store }),
    /** `read` are the readers of intake, which stand on these commands. */
    replayWith: (read: ReadAgain) => createReplayRecord({ people, reads, read, store }),
  };
}
