/** Where a call's token is, by configuration of the decision service: in a header, or in claims that the enforcer verified. */
import { type Static, Type } from "typebox";
import { closed } from "../../platform/config/fields.ts";

export const TokenSourceSchema = Type.Object(
  {
    header: Type.String({
      default: "authorization",
      pattern: "^[a-z0-9][a-z0-9-]{0,63}$",
      description:
        "Lower-case name of the one header that contains the token; in any header but authorization the word Bearer is optional.",
    }),
    metadata: Type.Optional(
      Type.Object(
        {
          namespace: Type.String({
            minLength: 1,
            default: "envoy.filters.http.jwt_authn",
            description: "Namespace of the enforcer's dynamic metadata.",
          }),
          key: Type.String({
            minLength: 1,
            description: "Key of the verified claims in that namespace (payload_in_metadata of Envoy's jwt_authn).",
          }),
        },
        closed,
      ),
    ),
  },
  closed,
);

export type TokenSource = Static<typeof TokenSourceSchema>;
