/** Configuration of certificate identities, and its faults. Both services embed it, like the issuers. */
import { type Static, Type } from "typebox";
import type { ConfigFault } from "../../platform/config/fault.ts";
import { type IssuerConfig, PersonSchema } from "./issuers.ts";
import { capturesOf } from "./principal-match.ts";

const closed = { additionalProperties: false };

const PrincipalSchema = Type.Object(
  {
    match: Type.String({
      minLength: 1,
      maxLength: 512,
      description:
        "The identity as the enforcer reports it: exact, or a SPIFFE ID in which {name} stands for one segment, such as spiffe://example.org/people/{user}.",
    }),
    issuer: Type.String({
      minLength: 1,
      maxLength: 512,
      description: "Issuer name of these accounts, such as spiffe://example.org; must not be an issuer of tokens.",
    }),
    claims: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Claims of the account; {name} is filled in, such as {email: "{user}@example.org"}.',
      }),
    ),
    groups: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { description: "Groups of the account; {name} is filled in." }),
    ),
    person: Type.Optional(PersonSchema),
    machine: Type.Optional(
      Type.Boolean({
        description: "Marks a machine, which never counts as a human approver; true unless a person is configured.",
      }),
    ),
  },
  closed,
);

export type PrincipalRule = Static<typeof PrincipalSchema>;

/** For the `identity` section of both services. */
export const PrincipalsSchema = Type.Array(PrincipalSchema, {
  default: [],
  description:
    "Which certificate identities are accounts; the first match counts. Empty: no certificate is an account.",
});

/** All faults at once; `key` is the path of the list. */
export function principalFaults(
  rules: readonly PrincipalRule[],
  issuers: readonly IssuerConfig[],
  key: string,
): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  const tokenIssuers = new Set(issuers.map(({ issuer }) => issuer));
  const caseOfRealm = new Map<string, boolean>();
  for (const { person } of issuers) if (person) caseOfRealm.set(person.realm, person.ignore_case ?? false);
  rules.forEach((rule, index) => {
    const fault = (name: string, problem: string) =>
      faults.push({ key: `${key}.${index}.${name}`, variable: undefined, problem });
    // NB: or a certificate could be given an account that belongs to somebody's token, with its grants.
    if (tokenIssuers.has(rule.issuer)) fault("issuer", "is an issuer of tokens too; give these accounts another name");
    const captures = capturesOf(rule.match);
    if ("problem" in captures) {
      fault("match", captures.problem);
      return;
    }
    const claims = Object.entries(rule.claims ?? {}).map(([name, text]): [string, string] => [`claims.${name}`, text]);
    const groups = (rule.groups ?? []).map((text, at): [string, string] => [`groups.${at}`, text]);
    for (const [name, text] of [...claims, ...groups]) {
      const unknown = [...text.matchAll(/\{([^{}]*)\}/g)].find(([, capture = ""]) => !captures.includes(capture));
      if (unknown !== undefined) fault(name, `holds ${unknown[0]}, which match does not name`);
    }
    if (rule.person === undefined) return;
    const { realm, claim, ignore_case: ignoreCase = false } = rule.person;
    if (realm.includes("/")) fault("person.realm", "must not contain a slash");
    if (claim !== "sub" && !captures.includes(claim) && !Object.hasOwn(rule.claims ?? {}, claim)) {
      fault("person.claim", "is neither sub nor a claim of this entry, so nobody would be a person");
    }
    if ((caseOfRealm.get(realm) ?? ignoreCase) !== ignoreCase) {
      fault("person.ignore_case", "must be the same for everybody of one realm");
    }
    caseOfRealm.set(realm, ignoreCase);
  });
  return faults;
}
