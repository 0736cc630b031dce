/**
 * Configuration of the development token issuer: a file, or variables that begin with `ISSUER_`. A second instance with another `issuer`,
 * `port`, `keyFolder` and `accounts` is a second issuer. It listens on loopback; in a container, which has a loopback of its own, on another
 * address, when it is said that only a loopback port of the machine leads there.
 */
import { type Static, Type } from "typebox";
import { configFromCommandLine, type Started } from "../../platform/config/command-line.ts";
import type { ConfigFault } from "../../platform/config/fault.ts";
import { closed } from "../../platform/config/fields.ts";
import { isLoopback } from "../../platform/config/tls-rules.ts";
import { SAMPLE_ACCOUNTS } from "./accounts.ts";

const Text = Type.String({ minLength: 1 });

const IssuerConfigSchema = Type.Object(
  {
    host: Type.String({ default: "127.0.0.1" }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 8083 }),
    publishedOnLoopback: Type.Boolean({ default: false, description: "Only a loopback port leads to `host`." }),
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

type IssuerConfig = Static<typeof IssuerConfigSchema>;

export function readConfig(args: readonly string[]): Promise<Started<IssuerConfig>> {
  return configFromCommandLine({
    args,
    schema: IssuerConfigSchema,
    env: process.env,
    prefix: "ISSUER_",
    rules: [reachable],
  });
}

/** NB: whoever reaches it is given a token for anybody. */
function reachable({ host, publishedOnLoopback }: IssuerConfig): readonly ConfigFault[] {
  if (isLoopback(host) || publishedOnLoopback) return [];
  const problem = "is not loopback; set publishedOnLoopback if only a loopback port of the machine leads there";
  return [{ key: "host", variable: "ISSUER_HOST", problem }];
}
