/** Section `identity`: whose word counts for who is calling. */
import { type Static, Type } from "typebox";
import { IssuerSchema, issuerFaults } from "../../../core/identity/issuers.ts";
import { PrincipalsSchema, principalFaults } from "../../../core/identity/principal-config.ts";
import { TokenSourceSchema } from "../../../core/identity/token-source.ts";
import type { ConfigFault } from "../../../platform/config/load.ts";
import { closed, fault, isLoopback, Path } from "./fields.ts";
import type { ListenConfig } from "./listen.ts";

export const IdentitySchema = Type.Object(
  {
    issuers: Type.Array(IssuerSchema, {
      default: [],
      description: "Whose tokens count, and what their claims mean here.",
    }),
    principals: PrincipalsSchema,
    token: TokenSourceSchema,
    keyFolder: Path("Where the last good key sets are kept across restarts."),
    defaultRealm: Type.String({ default: "default", description: "Realm of reviewer sets that name none." }),
  },
  closed,
);

export function identityFaults(
  { issuers, principals, token }: Static<typeof IdentitySchema>,
  listen: ListenConfig,
): readonly ConfigFault[] {
  const faults: ConfigFault[] = [
    ...issuerFaults(issuers, "identity.issuers"),
    ...principalFaults(principals, issuers, "identity.principals"),
  ];
  // NB: a token proves itself; an identity or claims that the enforcer states are its word, and whoever may ask could be anybody.
  if (!isLoopback(listen.host) && listen.clientCaPath === undefined && !listen.plaintext) {
    const problem = "would believe any enforcer; set listen.clientCaPath, so that only yours may ask";
    if (principals.length > 0) faults.push(fault("identity.principals", problem));
    if (token.metadata !== undefined) faults.push(fault("identity.token.metadata", problem));
  }
  return faults;
}
