/**
 * Honest checks that are not allowed, each for a reason of its own: what is changed to find a way in. Three of them are one step from a live
 * grant of the same account: for another order, for another body, and one whose only use is spent. NB: no change makes a reading method of
 * these, which the policy would allow.
 */
import { randomUUID } from "node:crypto";
import type { Grant } from "../../../core/domain/grant.ts";
import { layOutBinding } from "../../../core/domain/binding.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { bindingDigest } from "../../../core/messages/binding-digest.ts";
import { CheckRequest } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { checkOf, sampleCheck } from "../../bench/check/sample-check.ts";
import { ISSUER, token } from "./lone-decision.ts";

const SUBJECT = "dana";
const HOUR_MS = 3_600_000;
const REFUND = Buffer.from('{"order":"42","amount":30}');
/** To the policy the same order and amount, so the same scope; its digest is another. */
const OTHER_REFUND = Buffer.from('{"order":"42","amount":30,"to":"somebody else"}');

const refund = (body: Buffer) => checkOf({ method: "POST", path: "/refunds", token: token(), body });
const deletion = (order: string) => checkOf({ method: "DELETE", path: `/orders/${order}`, token: token() });

/** The sample with another method or credential. */
function changed(authorization: string | undefined, method: string): Buffer {
  const request = CheckRequest.decode(sampleCheck("DELETE", token()));
  const http = request.attributes?.request?.http;
  if (http?.headerMap === undefined) throw new Error("no headers");
  http.method = method;
  http.headerMap.headers = http.headerMap.headers.filter(({ key }) => key !== "authorization");
  if (authorization !== undefined)
    http.headerMap.headers.push({ key: "authorization", value: "", rawValue: Buffer.from(authorization) });
  return Buffer.from(CheckRequest.encode(request).finish());
}

type ClosedCheck = {
  readonly bytes: Buffer;
  /** The outcome, its reasons, and what is said of the nearest grant. */
  readonly said: readonly string[];
};

/** With the grants of `openGrants`, and `spentGrant` told as if it were not spent. */
export function closedChecks(): readonly ClosedCheck[] {
  const forged = token({ header: { kid: "strange" } });
  return [
    { bytes: deletion("42"), said: ["needs_approval", "outside"] },
    { bytes: refund(REFUND), said: ["needs_approval", "outside"] },
    { bytes: deletion(SPENT_ORDER), said: ["needs_approval", "spent"] },
    { bytes: changed(`Bearer ${token()}`, "PUT"), said: ["deny", "policy_denied", "orders_are_never_replaced"] },
    { bytes: changed(`Bearer ${forged}`, "GET"), said: ["deny", "credential_key_unknown"] },
    { bytes: changed(undefined, "GET"), said: ["deny", "no_rule_matched"] },
  ];
}

/** What the grants of `openGrants` are for, so allowed. */
export const openChecks = (): readonly Buffer[] => [deletion(OPEN_ORDER), refund(OTHER_REFUND)];

const OPEN_ORDER = "43";
const SPENT_ORDER = "44";

/** One use of one order: for the approval service's database, where its use is spent. */
export const SPENT_GRANT = {
  ...{ issuer: ISSUER, subject: SUBJECT, entitlement: "orders-delete", scope: `order/${SPENT_ORDER}`, maxUses: 1 },
} as const;

/** Windows, which need nobody to redeem them: one that is matched wrongly is an allow. */
export function openGrants(): readonly Grant[] {
  const layout = layOutBinding({
    ...{ issuer: ISSUER, subject: SUBJECT, bindHeaders: [], hasDisplay: true },
    http: {
      ...{ method: "POST", scheme: "https", authority: "orders.example.com", path: "/refunds", query: "" },
      ...{ headers: new Map([["content-type", ["application/json"]]]), body: { kind: "bytes", bytes: OTHER_REFUND } },
    },
  });
  if (layout.kind !== "bindable") throw new Error("not bindable");
  const now = Date.now();
  const ids = () => ({
    ...{ id: id("grant", randomUUID()), requestId: id("request", randomUUID()), denialId: id("denial", randomUUID()) },
  });
  const window: Omit<Grant, keyof ReturnType<typeof ids> | "entitlement" | "scope" | "binding"> = {
    ...{ version: 1, person: undefined, issuer: ISSUER, subject: SUBJECT, actors: [], state: "active", uses: 0 },
    ...{ maxUses: "unlimited", notBefore: instant(now - 1_000), expiresAt: instant(now + HOUR_MS) },
  };
  const digest = bindingDigest(layout.fields);
  return [
    { ...window, ...ids(), entitlement: "orders-delete", scope: `order/${OPEN_ORDER}`, binding: { kind: "scope" } },
    {
      ...{ ...window, ...ids(), entitlement: "refund", scope: "order/42/amount/30" },
      binding: { kind: "exact", digest, bindHeaders: [] },
    },
  ];
}
