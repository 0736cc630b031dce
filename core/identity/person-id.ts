/**
 * The one form in which people of a realm are compared: as their claim says, or where the realm ignores case, in compatibility form and lower
 * case. Whoever writes a person by hand, as a route does, is brought to the same form.
 */
import type { Static } from "typebox";
import type { PersonSchema } from "./issuers.ts";

export function personId(id: string, ignoreCase: boolean): string {
  return ignoreCase ? id.normalize("NFKC").toLowerCase() : id;
}

type Mapped = { readonly person?: Static<typeof PersonSchema> };

/** For ids that no claim says, by the mappings of issuers and principals; all of one realm agree (their configuration's faults). */
export function createPersonIds(mappings: readonly Mapped[]): (realm: string, id: string) => string {
  const ignoring = new Set(mappings.flatMap(({ person }) => (person?.ignore_case === true ? [person.realm] : [])));
  return (realm, id) => personId(id, ignoring.has(realm));
}
