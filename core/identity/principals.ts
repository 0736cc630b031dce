/**
 * Accounts whose credential is a certificate: the identity that an enforcer has verified in the TLS handshake (a SPIFFE ID, or another name in
 * the certificate) → issuer, account, groups, claims and person, by rules of the configuration. The first rule that matches counts. Both services
 * use the same rules: the decision service derives the account, the approval service the person behind it.
 */
import type { Subject } from "../domain/subject.ts";
import { createBoundedLru } from "./bounded-lru.ts";
import { isIdText } from "./claims-to-subject.ts";
import type { PersonClaim } from "./issuers.ts";
import type { PrincipalRule } from "./principal-config.ts";
import { type Captures, fillIn, matchPrincipal } from "./principal-match.ts";

type PrincipalAccount = {
  readonly subject: Subject;
  readonly person: PersonClaim | undefined;
  readonly machine: boolean;
};

export interface Principals {
  /** Whether certificates are a credential at all here. */
  readonly configured: boolean;
  /** The account of a verified identity; the same object for the same text, as long as it is remembered. Undefined: no rule knows it. */
  find(principal: string): PrincipalAccount | undefined;
}

export function createPrincipals(rules: readonly PrincipalRule[]): Principals {
  const known = createBoundedLru<PrincipalAccount>({ maxEntries: 10_000, maxBytes: 16 * 1024 * 1024 });
  return {
    configured: rules.length > 0,
    find(principal) {
      const remembered = known.get(principal);
      if (remembered !== undefined) return remembered;
      if (!isIdText(principal)) return undefined;
      for (const rule of rules) {
        const captures = matchPrincipal(rule.match, principal);
        if (captures === undefined) continue;
        const account = accountOf(rule, principal, captures);
        known.set(principal, account, principal.length * 8 + 1_024);
        return account;
      }
      return undefined;
    },
  };
}

export const NO_PRINCIPALS: Principals = createPrincipals([]);

function accountOf(rule: PrincipalRule, principal: string, captures: Captures): PrincipalAccount {
  const claims: Record<string, string> = Object.create(null);
  for (const [name, value] of captures) claims[name] = value;
  for (const [name, template] of Object.entries(rule.claims ?? {})) claims[name] = fillIn(template, captures);
  return {
    subject: {
      issuer: rule.issuer,
      id: principal,
      groups: (rule.groups ?? []).map((template) => fillIn(template, captures)),
      claims,
      actors: [],
    },
    person: rule.person && {
      realm: rule.person.realm,
      claim: rule.person.claim,
      ignoreCase: rule.person.ignore_case ?? false,
    },
    machine: rule.machine ?? rule.person === undefined,
  };
}
