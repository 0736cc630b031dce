/** Who calls the REST interface in the tables of what each is answered. What is called about is dana's. */
import { SECOND, tokenOf } from "./rest-fixture.ts";

export const ROLES = {
  anonymous: undefined,
  foreign: tokenOf("max", ["managers", "security"], { iss: "https://foreign.example" }),
  stranger: tokenOf("eve", ["engineers"]),
  developer: tokenOf("dana", ["engineers"]),
  manager: tokenOf("max", ["managers"]),
  security: tokenOf("sam", ["security"]),
  // Of the second issuer, whose group of that name is not what configuration calls security.
  elsewhere: tokenOf("lea", ["security"], { iss: SECOND }),
} as const;

type Expected = { readonly [role in keyof typeof ROLES]: number };

/** The status for each: anonymous, foreign, stranger, developer (dana), manager, security, elsewhere. */
export function row(
  ...[anonymous, foreign, stranger, developer, manager, security, elsewhere]: readonly [
    ...[number, number, number, number, number, number, number],
  ]
): Expected {
  return { anonymous, foreign, stranger, developer, manager, security, elsewhere };
}
