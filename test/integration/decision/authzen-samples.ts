/** Who asks the AuthZEN server of a test (authzen-fixture.ts), what of, and what its policy can say of it. */
import { NO_RESPONSE_FIELDS, type Verdict } from "../../../core/domain/decision.ts";
import type { Elevation } from "../../../core/domain/elevation.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import { id } from "../../../core/domain/id.ts";
import { durationMs, instant, plus } from "../../../core/domain/time.ts";
import * as sample from "../../samples/tokens.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import type { KnownClient } from "../../../services/decision/api/callers.ts";

const ISSUER = sample.ISSUER;
export const ENFORCER = "service-token-of-the-enforcer";
/** Enforces, and knows nothing of modes. */
export const STOCK = "service-token-of-a-stock-enforcer";
export const ASKER = "service-token-of-somebody-who-asks";

const client = (name: string, more: Partial<KnownClient>): KnownClient => ({
  ...{ name, token: undefined, certificate: undefined, enforcer: false, subjects: new Map([["user", ISSUER]]) },
  ...more,
});
export const CLIENTS = [
  client("enforcer", { token: ENFORCER, enforcer: true }),
  client("stock", { token: STOCK, enforcer: true, defaultMode: "enforce" }),
  client("asker", { token: ASKER }),
  client("meshed", { certificate: "URI:spiffe://example.org/enforcer", enforcer: true }),
  client("both", { certificate: "URI:spiffe://example.org/both", token: "service-token-with-a-certificate" }),
];

export const ELEVATION: Elevation = {
  entitlement: "files-delete",
  scope: "file/f1",
  title: "Delete a file",
  display: [],
  approversHint: "owners",
  risk: "high",
  binding: "scope",
  bindHeaders: [],
  maxUses: 1,
  maxDuration: durationMs(3_600_000),
  justification: { required: true, minLength: 10 },
};

export const elevating = (...changes: readonly Partial<Elevation>[]): Verdict => {
  const [first = {}, ...rest] = changes;
  const elevations = [{ ...ELEVATION, ...first }, ...rest.map((one) => ({ ...ELEVATION, ...one }))] as const;
  return { kind: "elevate", elevations, response: NO_RESPONSE_FIELDS };
};
export const denying: Verdict = { kind: "deny", reasons: ["locked"], response: NO_RESPONSE_FIELDS };
export const allowing: Verdict = { kind: "allow", reasons: ["open"], response: NO_RESPONSE_FIELDS };

/** Live, for the deletion that `question` asks for. */
export function grantOfDana(now: Grant["notBefore"]): Grant {
  return {
    ...{ id: id("grant", uuidv7()), version: 1, requestId: id("request", uuidv7()), denialId: id("denial", uuidv7()) },
    ...{ person: undefined, issuer: ISSUER, subject: "dana", actors: [] },
    ...{ entitlement: ELEVATION.entitlement, scope: ELEVATION.scope, binding: { kind: "scope" } },
    ...{
      state: "active",
      uses: 0,
      maxUses: 1,
      notBefore: instant(now - 1_000),
      expiresAt: plus(now, durationMs(600_000)),
    },
  };
}

/** An evaluation that dana's deletion of a file is, with these changes. */
export function question(changes: { readonly [member: string]: unknown } = {}): { readonly [member: string]: unknown } {
  return {
    subject: { type: "user", id: "dana" },
    action: { name: "delete" },
    resource: { type: "file", id: "f1" },
    ...changes,
  };
}
export const ENFORCED = { options: { countersign_mode: "enforce" } };

/** A token of dana's own. */
export function ownToken(claims: Readonly<Record<string, unknown>> = {}): string {
  const seconds = Math.floor(Date.now() / 1_000);
  return sample.token(sample.claims({ iat: seconds - 60, exp: seconds + 600, ...claims }));
}
