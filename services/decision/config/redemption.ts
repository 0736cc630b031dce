/** Section `redemption`: the connection to the approval service for uses of limited grants. */
import { type Static, Type } from "typebox";
import { headerProblem, hostPortProblem, isHereAlone } from "../../../platform/config/addresses.ts";
import { unsafe } from "../../../platform/config/fault.ts";
import { FilePath } from "../../../platform/config/files.ts";
import type { Rule } from "../../../platform/config/rules.ts";
import { pairFaults } from "../../../platform/config/tls-rules.ts";
import { closed, Plaintext } from "../../../platform/config/fields.ts";

export const RedemptionSchema = Type.Object(
  {
    address: Type.String({ default: "", description: "host:port of the approval service's gRPC port." }),
    tls: Type.Boolean({ default: false, description: "Encrypt, and verify the approval service's certificate." }),
    caPath: FilePath("CA certificates (PEM), instead of the system's roots."),
    certPath: FilePath("Client certificate."),
    keyPath: FilePath("Its private key."),
    serviceToken: Type.Optional(
      Type.String({
        minLength: 16,
        "x-secret": true,
        description:
          "Token that this service presents, instead of or beside a client certificate; the same in the approval service.",
      }),
    ),
    plaintext: Plaintext,
  },
  closed,
);

type RedemptionConfig = Static<typeof RedemptionSchema>;

/** Without an address nothing else is worth saying. */
export const redemptionRules: readonly Rule<RedemptionConfig>[] = [
  ({ address }) =>
    address === ""
      ? [unsafe("redemption.address", "is missing; set it to host:port of the approval service's gRPC port")]
      : [],
  ({ address }) => {
    const problem = address === "" ? undefined : hostPortProblem(address);
    return problem === undefined ? [] : [unsafe("redemption.address", problem)];
  },
  ({ serviceToken }) => {
    const problem = serviceToken === undefined ? undefined : headerProblem(serviceToken);
    return problem === undefined ? [] : [unsafe("redemption.serviceToken", problem)];
  },
  ({ address, tls, plaintext }) => {
    if (address === "" || tls || isHereAlone(address) || plaintext) return [];
    const choice = "set redemption.tls, or redemption.plaintext if a mesh encrypts";
    return [unsafe("redemption.address", `is not loopback and there is no TLS; ${choice}`)];
  },
  (redemption) => (redemption.address === "" ? [] : pairFaults("redemption", redemption)),
  ({ address, certPath, serviceToken }) => {
    if (address === "" || certPath !== undefined || serviceToken !== undefined) return [];
    const problem = "is missing and there is no certPath, so no limited grant could be used";
    const choice = "set COUNTERSIGN_REDEMPTION_SERVICE_TOKEN or its _FILE";
    return [unsafe("redemption.serviceToken", `${problem}; ${choice}`)];
  },
  ({ address, tls, certPath, keyPath, caPath }) =>
    address !== "" && !tls && (certPath ?? keyPath ?? caPath) !== undefined
      ? [unsafe("redemption.tls", "is off although certificates are given; switch it on")]
      : [],
];
