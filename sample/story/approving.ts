/** Steps 1 to 6: a call that needs approval gets it, for less than was asked, and passes. */
import { textAt } from "../../platform/programs/client.ts";
import { ARRIVAL_MS, answerOf, approved, passes, REASON, submitted, terms } from "./ask.ts";
import { eventually, listAt, members } from "./see.ts";
import type { Stage } from "./stage.ts";
import type { Teller } from "./teller.ts";

/** What later steps come back to. */
export type Approved = { readonly requestId: string; readonly grantId: string };

export async function approving(stage: Stage, tell: Teller): Promise<Approved> {
  const dana = await stage.as("dana");
  const max = await stage.as("max");

  tell.step(1, "dana reads an order");
  const read = await answerOf(() => dana.proxy("GET", "/orders/42"));
  tell.see("GET /orders/42", 200, read.status);
  tell.see("the order", { id: "42", item: "lamp" }, read.body);

  tell.step(2, "dana deletes it: this needs approval, and nothing has happened");
  const denied = await answerOf(() => dana.proxy("DELETE", "/orders/42"));
  tell.see("DELETE /orders/42", 403, denied.status);
  tell.see("content type", "application/problem+json", denied.headers.get("content-type"));
  tell.see(
    "the answer",
    { outcome: "needs_approval", approvers_hint: "managers", grant_reason: null },
    members(denied.body, "outcome", "approvers_hint", "grant_reason"),
  );
  const denialId = textAt(denied.body, "denial_id");
  tell.note(`denial ${denialId}, to be submitted at ${textAt(denied.body, "request_url")}`);
  tell.see("the order is still there", 200, (await stage.orders("GET", "/orders/42")).status);

  tell.step(3, "dana asks for five uses in one hour; max is notified and sees exactly what is asked");
  const asked = await submitted(stage, denialId, { max_uses: 5, duration: "1h" });
  tell.see("POST /v1/requests", 201, asked.status);
  const requestId = textAt(asked.body, "request", "id");
  const isAbout = (one: unknown) => JSON.stringify(one).includes(requestId);
  const arrived = () => Promise.resolve({ status: 0, headers: new Headers(), body: stage.notified().some(isAbout) });
  const notified = await eventually("the notification", ARRIVAL_MS, arrived, ({ body }) => body === true);
  tell.note(`the signed notification came ${notified.ms} ms later`);
  const waiting = listAt((await max.approvals("GET", "/v1/requests?awaiting=me")).body, "items");
  tell.see(
    "waiting for max",
    [requestId],
    waiting.filter(isAbout).map((one) => textAt(one, "id")),
  );
  const { request } = members((await max.approvals("GET", `/v1/requests/${requestId}`)).body, "request");
  tell.see(
    "what max sees",
    { justification: REASON, requested: { max_uses: 5, duration: "1h", not_before: null, binding: "scope" } },
    members(request, "justification", "requested"),
  );
  tell.see(
    "the call",
    { method: "DELETE", path: "/orders/42" },
    members(members(request, "call")["call"], "method", "path"),
  );

  tell.step(4, "dana reviews her own request: refused, on record");
  const own = { vote: "approve", digest: textAt(request, "digest") };
  const self = await dana.approvals("POST", `/v1/requests/${requestId}/reviews`, { body: own });
  tell.see("her review", { status: 403, code: "is_requester" }, { status: self.status, ...members(self.body, "code") });

  tell.step(5, "max approves less: one use, ten minutes");
  const less = await approved(stage, requestId, { max_uses: 1, duration: "10m" });
  tell.see("his review", 200, less.status);
  const { grant } = members(less.body, "grant");
  tell.see("the grant", { state: "active", scope: "order/42", uses: 0, max_uses: 1 }, terms(grant));

  tell.step(6, "the retry passes");
  const retry = () => dana.proxy("DELETE", "/orders/42");
  const passed = await eventually("the grant to arrive", ARRIVAL_MS, retry, passes);
  tell.see("DELETE /orders/42", 200, passed.answer.status);
  tell.note(`${passed.ms} ms after the approval`);
  tell.see("the order is gone", 404, (await stage.orders("GET", "/orders/42")).status);
  return { requestId, grantId: textAt(grant, "id") };
}
