/**
 * Who calls. A *subject* is an account: an issuer's name for somebody. A *person* is a human, whichever account is used: (realm, claim value),
 * where configuration gives each issuer its realm and claim. The decision service passes on the raw (issuer, sub, claims); the approval service
 * maps requesters and reviewers itself (rule 5), so one mapping decides who is who.
 */

/** JSON as it came from outside; objects are null-prototype or Maps at the edges, read-only here. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One member of a token's `act` chain (RFC 8693 section 4.1): who acts for the subject, outermost first. */
export type Actor = { readonly issuer: string; readonly id: string };

/** An account, as its issuer vouches for it. `claims` are the verified token's, without its time claims. */
export type Subject = {
  readonly issuer: string;
  readonly id: string;
  readonly groups: readonly string[];
  readonly claims: { readonly [name: string]: Json };
  readonly actors: readonly Actor[];
};

/** There was no credential. Policies decide what an anonymous caller may do; it can never be elevated. */
type Anonymous = { readonly kind: "anonymous" };

/** What identifying the credentials of one call gives. A malformed or unverifiable credential is never anonymous. */
export type Caller =
  | {
      readonly kind: "subject";
      readonly subject: Subject;
      readonly expiresAt: number;
      /** Thumbprint of the client certificate that the token is bound to (RFC 8705): without it the token proves nothing. */
      readonly boundTo?: string;
    }
  | Anonymous
  | { readonly kind: "refused"; readonly reason: CredentialRefusal; readonly issuer?: string };

export type CredentialRefusal =
  | "credential_malformed"
  | "credential_issuer_unknown"
  | "credential_key_unknown"
  | "credential_algorithm_refused"
  | "credential_signature_invalid"
  | "credential_audience_wrong"
  | "credential_expired"
  | "credential_not_yet_valid"
  | "credential_claims_invalid"
  | "credential_type_wrong"
  | "credential_certificate_wrong" // bound to a client certificate that was not shown
  | "keys_unavailable"; // no key set was ever had for this issuer: a fault (503), not the caller's

export type Person = { readonly realm: string; readonly id: string };

export function samePerson(a: Person, b: Person): boolean {
  return a.realm === b.realm && a.id === b.id;
}

/** `realm/id` for logs, map keys and columns; a realm never holds a slash (configuration refuses it). */
export function personKey(person: Person): string {
  return `${person.realm}/${person.id}`;
}

/** The account and person behind a token. Without a person one can neither obtain nor give a human approval. */
export type Party = {
  readonly subject: Subject;
  readonly person: Person | undefined;
  /** Persons behind the actor chain: an agent acting for somebody counts as that somebody, and so does its owner. */
  readonly actorPersons: readonly Person[];
  /** A service account, or a human's token wielded by an agent: never fills a human slot. */
  readonly machine: boolean;
};
