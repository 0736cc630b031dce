/** What people do, and what becomes of it by itself: each from the first call to its end, which stands in the ledger. */
import { textAt } from "../../../platform/programs/client.ts";
import { REASON } from "../../../sample/story/ask.ts";
import { ask } from "../state-topic.ts";
import type { Hands } from "./hands.ts";

/** Somebody calls what needs no approval. */
export async function read({ dana, surely }: Hands): Promise<void> {
  const { proxy } = await dana();
  await surely(
    () => proxy("PUT", "/orders/42", { body: {} }),
    () => false,
  );
}

export async function deny({ deny: denied }: Hands): Promise<void> {
  await denied();
}

export async function submit({ submit: submitted }: Hands): Promise<void> {
  await submitted();
}

export async function use({ surely, grant, dana }: Hands): Promise<void> {
  const granted = await grant();
  if (granted === undefined) return;
  const { order, id, approvals } = granted;
  const isUsed = async () => {
    const now = await surely(
      () => approvals("GET", `/v1/grants/${id}`),
      ({ status }) => status !== 200,
    );
    return now === undefined || textAt(now.body, "state") !== "active";
  };
  const { proxy } = await dana();
  // Let through, or spent by a call whose answer was lost. Before the grant has arrived, a call is only denied.
  await surely(
    () => proxy("DELETE", order),
    async ({ status }) => status === 403 && !(await isUsed()),
  );
}

export async function revoke({ surely, grant }: Hands): Promise<void> {
  const granted = await grant();
  if (granted === undefined) return;
  const { id, steps, approvals } = granted;
  const revoked = await surely(
    () => approvals("POST", `/v1/grants/${id}/revoke`, { body: {} }),
    ({ status }) => status !== 200 && status !== 409,
  );
  if (revoked !== undefined) steps.add("grant.revoked");
}

export async function letGrantLapse({ grant }: Hands): Promise<void> {
  const granted = await grant("1s");
  granted?.steps.add("grant.expired");
}

export async function cancel(hands: Hands): Promise<void> {
  const submitted = await hands.submit();
  if (submitted !== undefined) await cancelRequest(hands, submitted);
}

/** Her own vote is refused, on record. */
export async function voteForOneself(hands: Hands): Promise<void> {
  const submitted = await hands.submit();
  if (submitted === undefined) return;
  const { request, digest, told } = submitted;
  const { approvals } = await hands.dana();
  const refused = await hands.surely(
    () => approvals("POST", `/v1/requests/${request}/reviews`, { body: { vote: "approve", digest } }),
    () => false,
  );
  if (refused === undefined) return;
  told.add("review.refused");
  await cancelRequest(hands, submitted);
}

/** Waits so long that others are told too. */
export async function waitForEscalation(hands: Hands): Promise<void> {
  const submitted = await hands.submit();
  if (submitted === undefined) return;
  const { request } = submitted;
  const due = "update requests set escalate_at = clock_timestamp(), escalate_notify = '{\"max\"}' where id = $1";
  await hands.change(due, [request]);
  if (!(await hands.change("select from requests where id = $1 and escalate_at is null", [request]))) return;
  hands.ledger.escalated.add(request);
  await cancelRequest(hands, submitted);
}

/** Waits until it is over. */
export async function waitTooLong({ system, submit: asked }: Hands): Promise<void> {
  const submitted = await asked();
  if (submitted === undefined) return;
  const { request, told } = submitted;
  // A request is immutable for everybody but the owner of the tables, who may say otherwise.
  const over = `set session_replication_role = replica; update requests set expires_at = clock_timestamp() where id = '${request}'`;
  await ask(system, over);
  told.add("request.expired");
}

/**
 * Asked again when the time of the first request is over, by an account that by now no person stands behind: nobody may be given it, and on
 * the way the first request has ended, unless a sweep was faster.
 */
export async function askAsNobody({ system, surely, submit: asked, dana }: Hands): Promise<void> {
  const submitted = await asked();
  if (submitted === undefined) return;
  const { request, denial, told } = submitted;
  const { approvals } = await dana();
  const over = `set session_replication_role = replica;
    update denials set record = (record::jsonb #- '{subject,claims,email}')::json where id = '${denial}';
    update requests set expires_at = clock_timestamp() where id = '${request}'`;
  await ask(system, over);
  told.add("request.expired");
  const body = { denial_id: denial, justification: REASON };
  await surely(
    () => approvals("POST", "/v1/requests", { body }),
    () => false,
  );
}

/** Denied, and nothing more: two days later it is forgotten. */
export async function abandonDenial({ ledger, change, deny: denied }: Hands): Promise<void> {
  const call = await denied();
  if (call === undefined) return;
  const past = "update denials set expires_at = clock_timestamp() - interval '48 hours' where id = $1";
  if (await change(past, [call.denial])) ledger.abandoned.add(call.denial);
}

async function cancelRequest(
  { dana, surely }: Hands,
  { request, told }: { readonly request: string; readonly told: Set<string> },
): Promise<void> {
  const { approvals } = await dana();
  const cancelled = await surely(
    () => approvals("POST", `/v1/requests/${request}/cancel`, { body: {} }),
    ({ status }) => status !== 200 && status !== 409,
  );
  if (cancelled !== undefined) told.add("request.cancelled");
}
