/**
 * Configuration of the development token issuer: a file, or variables that begin with `ISSUER_`. A second instance with another `issuer`,
 * `port`, `keyFolder` and `accounts` is a second issuer. There is no host to configure: it is loopback.
 */
import { type Static, Type } from "typebox";
import { configFromCommandLine, type Started } from "../../platform/config/command-line.ts";
import { SAMPLE_ACCOUNTS } from "./accounts.ts";

const closed = { additionalProperties: false } as const;
const Text = Type.String({ minLength: 1 });

const IssuerConfigSchema = Type.Object(
  {
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 8083 }),
    issuer: Type.Optional(Type.String({ minLength: 1, description: "The `iss`; its own address unless given." })),
    audience: Type.Array(Text, { default: ["orders", "countersign"], minItems: 1 }),
    lifetimeSeconds: Type.Integer({ minimum: 1, maximum: 3_600, default: 900 }),
    keyFolder: Type.String({ minLength: 1, description: "Where the signing key is kept." }),
    accounts: Type.Array(
      Type.Object(
        {
          user: Text,
          subject: Text,
          email: Text,
          groups: Type.Array(Text),
          claims: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        },
        closed,
      ),
      { default: SAMPLE_ACCOUNTS },
    ),
  },
  closed,
);

export type IssuerConfig = Static<typeof IssuerConfigSchema>;

export function readConfig(args: readonly string[]): Promise<Started<IssuerConfig>> {
  return configFromCommandLine({ args, schema: IssuerConfigSchema, env: process.env, prefix: "ISSUER_" });
}
