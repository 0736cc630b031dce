/** Who asks in vain: votes for himself, waits too long, takes back; and who never asks. */
import { ask } from "../state-topic.ts";
import type { Hands } from "./ledger.ts";

/** Asked for and refused to the own vote; told of again; then taken back, or over by time. */
export async function askInVain({ system, ledger, surely, until, submit, dana }: Hands): Promise<void> {
  const submitted = await submit();
  if (submitted === undefined) return;
  const { request, digest, body, told } = submitted;
  const { approvals } = await dana();
  const key = crypto.randomUUID();
  // Again with a key: there is one already, nothing is done, and the key is free again.
  const again = await surely(
    () => approvals("POST", "/v1/requests", { body, headers: { "idempotency-key": key } }),
    ({ status }) => status === 409,
  );
  if (again === undefined) return;
  ledger.spentKeys.add(key);
  const vote = { vote: "approve", digest };
  const refused = await surely(
    () => approvals("POST", `/v1/requests/${request}/reviews`, { body: vote }),
    () => false,
  );
  if (refused === undefined) return;
  told.add("review.refused");

  const due = "update requests set escalate_at = clock_timestamp(), escalate_notify = '{\"max\"}' where id = $1";
  await ask(system, due, [request]);
  const isTold = await until(async () => {
    const { rows } = await ask(system, "select from requests where id = $1 and escalate_at is null", [request]);
    return rows.length === 1;
  });
  if (!isTold) return;
  ledger.escalated.add(request);

  if (ledger.escalated.size % 2 === 0) {
    // The request is immutable for everybody but the owner of the tables, who may say otherwise.
    await ask(
      system,
      `set session_replication_role = replica; update requests set expires_at = clock_timestamp() where id = '${request}'`,
    );
    told.add("request.expired");
    return;
  }
  const cancelled = await surely(
    () => approvals("POST", `/v1/requests/${request}/cancel`, { body: {} }),
    ({ status }) => status !== 200 && status !== 409,
  );
  if (cancelled !== undefined) told.add("request.cancelled");
}

/** Denied, and nothing more: two days later it is forgotten. */
export async function abandonDenial({ system, ledger, until, deny }: Hands): Promise<void> {
  const denied = await deny();
  if (denied === undefined) return;
  const { denial } = denied;
  const isOld = await until(async () => {
    const past = "update denials set expires_at = clock_timestamp() - interval '48 hours' where id = $1";
    return (await ask(system, past, [denial])).rowCount === 1;
  });
  if (isOld) ledger.abandoned.add(denial);
}
