/** Section `identity`: which tokens and certificates are accepted. */
import { type Static, Type } from "typebox";
import { IssuerSchema, issuerFaults } from "../../../core/identity/issuers.ts";
import { PrincipalsSchema, principalFaults } from "../../../core/identity/principal-config.ts";
import { TokenSourceSchema } from "../../../core/identity/token-source.ts";
import { unsafe } from "../../../platform/config/fault.ts";
import type { Rule } from "../../../platform/config/rules.ts";
import { isLoopback } from "../../../platform/config/tls-rules.ts";
import { closed, Path } from "../../../platform/config/fields.ts";
import type { ListenConfig } from "./listen.ts";

export const IdentitySchema = Type.Object(
  {
    issuers: Type.Array(IssuerSchema, {
      default: [],
      description: "Issuers whose tokens are accepted, and what their claims mean here.",
    }),
    principals: PrincipalsSchema,
    token: TokenSourceSchema,
    keyFolder: Path("Folder where the last good key sets are kept across restarts; one per process."),
    defaultRealm: Type.String({
      default: "default",
      pattern: "^[^/]+$",
      description: "Realm of reviewer sets that do not name one; no slash in it.",
    }),
  },
  closed,
);

type Believed = { readonly identity: Static<typeof IdentitySchema>; readonly listen: ListenConfig };

/** NB: a token proves itself; an identity or claims that the enforcer states are its word, and whoever may ask could be anybody. */
function believesAnybody({ listen }: Believed): boolean {
  return !isLoopback(listen.host) && listen.clientCaPath === undefined && !listen.plaintext;
}

const BELIEVES = "would believe any enforcer; set listen.clientCaPath, so that only yours may ask";

export const identityRules: readonly Rule<Believed>[] = [
  ({ identity }) => issuerFaults(identity.issuers, "identity.issuers"),
  ({ identity: { principals, issuers } }) => principalFaults(principals, issuers, "identity.principals"),
  (config) =>
    believesAnybody(config) && config.identity.principals.length > 0 ? [unsafe("identity.principals", BELIEVES)] : [],
  (config) =>
    believesAnybody(config) && config.identity.token.metadata !== undefined
      ? [unsafe("identity.token.metadata", BELIEVES)]
      : [],
];
