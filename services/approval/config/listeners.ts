/** Sections `rest` and `redemption`: where this service listens, and for whom. */
import { type Static, Type } from "typebox";
import { headerProblem, samePortFaults } from "../../../platform/config/addresses.ts";
import { unsafe } from "../../../platform/config/fault.ts";
import { closed, Port } from "../../../platform/config/fields.ts";
import { FilePath } from "../../../platform/config/files.ts";
import type { Rule } from "../../../platform/config/rules.ts";
import { isLoopback, pairFaults } from "../../../platform/config/tls-rules.ts";

const Rate = (what: string, burst: number, perMinute: number) =>
  Type.Object(
    {
      burst: Type.Integer({ minimum: 1, default: burst, description: `${what} of one account in a burst.` }),
      perMinute: Type.Integer({ minimum: 1, default: perMinute, description: `${what} of one account after that.` }),
    },
    closed,
  );

export const RestSchema = Type.Object(
  {
    host: Type.String({ default: "127.0.0.1", description: "Address on which REST is served." }),
    port: Port(9200),
    certPath: FilePath("Certificate chain; enables HTTPS."),
    keyPath: FilePath("Private key of the certificate."),
    plaintext: Type.Boolean({
      default: false,
      description: "Allow plain HTTP beyond loopback (a proxy encrypts).",
    }),
    limits: Type.Object({ reads: Rate("Reads", 300, 1_200), writes: Rate("Writes", 60, 120) }, closed),
  },
  closed,
);

export const RedemptionSchema = Type.Object(
  {
    host: Type.String({ default: "127.0.0.1", description: "Address on which decision services redeem (gRPC)." }),
    port: Port(9201),
    certPath: FilePath("Certificate chain; enables TLS."),
    keyPath: FilePath("Private key of the certificate."),
    clientCaPath: FilePath("CA for client certificates of decision services, and of nobody else."),
    serviceToken: Type.Optional(
      Type.String({ minLength: 16, "x-secret": true, description: "Token that decision services must present." }),
    ),
  },
  closed,
);

type Listeners = {
  readonly rest: Static<typeof RestSchema>;
  readonly redemption: Static<typeof RedemptionSchema>;
  readonly ops: { readonly host: string; readonly port: number };
};

export const listenerRules: readonly Rule<Listeners>[] = [
  ({ rest }) => pairFaults("rest", rest),
  ({ redemption }) => pairFaults("redemption", redemption),
  ({ rest: { certPath, host, plaintext } }) => {
    if (certPath !== undefined || isLoopback(host) || plaintext) return [];
    const choice = "set rest.certPath, or rest.plaintext if a proxy encrypts";
    return [unsafe("rest.host", `is not loopback and there is no TLS; ${choice}`)];
  },
  ({ redemption: { certPath, host } }) =>
    certPath === undefined && !isLoopback(host)
      ? [unsafe("redemption.host", "is not loopback and there is no TLS; set redemption.certPath")]
      : [],
  ({ redemption: { certPath, clientCaPath } }) =>
    clientCaPath !== undefined && certPath === undefined
      ? [unsafe("redemption.clientCaPath", "asks for certificates, which needs TLS; set redemption.certPath")]
      : [],
  ({ redemption: { clientCaPath, serviceToken } }) => {
    if (clientCaPath !== undefined || serviceToken !== undefined) return [];
    const choice = "set COUNTERSIGN_REDEMPTION_SERVICE_TOKEN or its _FILE";
    const problem = "is missing and there is no clientCaPath, so anybody could spend grants";
    return [unsafe("redemption.serviceToken", `${problem}; ${choice}`)];
  },
  ({ redemption: { serviceToken } }) => {
    const problem = serviceToken === undefined ? undefined : headerProblem(serviceToken);
    return problem === undefined ? [] : [unsafe("redemption.serviceToken", problem)];
  },
  ({ rest, redemption, ops }) =>
    samePortFaults(Object.entries({ rest, redemption, ops }).map(([key, at]) => ({ ...at, key: `${key}.port` }))),
];
