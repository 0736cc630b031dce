/** Constructs what the Access Request profile needs here: its endpoint, and which tokens are accepted. */
import { readBindingToken } from "../../../core/identity/binding-token.ts";
import type { Verifier } from "../../../core/messages/signing.ts";
import type { ApprovalConfig } from "../config.ts";
import type { AccessRequests } from "../rest/access-requests/profile.ts";

export function createAccessRequests(
  decisionServiceKeys: Verifier,
  section: ApprovalConfig["accessRequests"],
): AccessRequests | undefined {
  if (section === undefined) return undefined;
  const { endpoint, decisionPoints } = section;
  const parties = { audience: endpoint, issuers: decisionPoints };
  return {
    endpoint,
    tokens: { read: (token, now) => readBindingToken(decisionServiceKeys, token, { ...parties, now }) },
  };
}
