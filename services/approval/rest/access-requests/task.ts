/**
 * A request as a task ("Access Request Response", "Completed Task Response"). Statuses are ours, name for name. It contains nothing about who may
 * approve, policies or reviews; it names the grant, which allows nothing by being named.
 */
import type { Static } from "typebox";
import { type AccessRequest, isOwner } from "../../../../core/domain/access-request.ts";
import type { Grant } from "../../../../core/domain/grant.ts";
import type { Party } from "../../../../core/domain/subject.ts";
import { type Instant, rfc3339 } from "../../../../core/domain/time.ts";
import { type Answer, jsonAnswer } from "../answer.ts";
import type { TaskShown } from "./shown.ts";

/** Poll interval for a pending task. */
const POLL_S = "5";

type TaskView = { readonly endpoint: string; readonly by: Party };

export function taskAnswer(
  status: 200 | 201 | 202,
  request: AccessRequest,
  grant: Grant | undefined,
  { endpoint, by }: TaskView,
): Answer {
  const at = `${endpoint}/${request.id}`;
  const isPending = request.status === "pending";
  const task: Static<typeof TaskShown>["task"] = {
    id: request.id,
    status: request.status,
    status_endpoint: at,
    expires_at: rfc3339(taskEnd(request, grant)),
    display: { title: request.offer.elevation.title },
    ...(isPending && isOwner(request.requester, by) ? { links: { cancel: `${at}/cancel` } } : {}),
  };
  const result = grant !== undefined && request.status === "approved" ? { result: resultOf(request, grant) } : {};
  const shown: Static<typeof TaskShown> = { task, ...result };
  return jsonAnswer(status, shown, {
    ...(status === 200 ? {} : { location: at }),
    ...(isPending ? { "retry-after": POLL_S } : {}),
  });
}

/** Until when the task can be read: as long as there is something to wait for or to use. */
export function taskEnd({ expiresAt }: AccessRequest, grant: Grant | undefined): Instant {
  return grant !== undefined && grant.expiresAt > expiresAt ? grant.expiresAt : expiresAt;
}

function resultOf({ decidedAt }: AccessRequest, grant: Grant): NonNullable<Static<typeof TaskShown>["result"]> {
  const approvedAt = decidedAt === undefined ? {} : { approved_at: rfc3339(decidedAt) };
  return { mode: "reevaluate", approval: { id: grant.id, ...approvedAt, approved_until: rfc3339(grant.expiresAt) } };
}
