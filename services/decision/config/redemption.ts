/** Section `redemption`: how a use of a limited grant is asked for. */
import { type Static, Type } from "typebox";
import type { ConfigFault } from "../../../platform/config/load.ts";
import { closed, fault, isLoopback, Path, Plaintext } from "./fields.ts";

export const RedemptionSchema = Type.Object(
  {
    address: Type.String({ default: "", description: "host:port of the approval service's gRPC port." }),
    tls: Type.Boolean({ default: false, description: "Encrypt, and verify the approval service's certificate." }),
    caPath: Path("Instead of the system's roots."),
    certPath: Path("Client certificate."),
    keyPath: Path("Its private key."),
    serviceToken: Type.Optional(
      Type.String({
        minLength: 16,
        "x-secret": true,
        description: "What this service shows when it has no client certificate; the same in the approval service.",
      }),
    ),
    plaintext: Plaintext,
  },
  closed,
);

export function redemptionFaults(redemption: Static<typeof RedemptionSchema>): readonly ConfigFault[] {
  const { address, tls, caPath, certPath, keyPath, serviceToken, plaintext } = redemption;
  if (address === "") {
    const problem = "is missing; set it to host:port of the approval service's gRPC port";
    return [fault("redemption.address", problem)];
  }
  const faults: ConfigFault[] = [];
  if (!tls && !isLoopback(address.replace(/:\d+$/, "")) && !plaintext) {
    const choice = "set redemption.tls, or redemption.plaintext if a mesh encrypts";
    faults.push(fault("redemption.address", `is not loopback and there is no TLS; ${choice}`));
  }
  if ((certPath === undefined) !== (keyPath === undefined)) {
    faults.push(fault("redemption.certPath", "and redemption.keyPath belong together; set both or none"));
  }
  if (certPath === undefined && serviceToken === undefined) {
    const problem =
      "is missing and there is no certPath, so no limited grant could be used; set COUNTERSIGN_REDEMPTION_SERVICE_TOKEN or its _FILE";
    faults.push(fault("redemption.serviceToken", problem));
  }
  if (!tls && (certPath ?? keyPath ?? caPath) !== undefined) {
    faults.push(fault("redemption.tls", "is off although certificates are given; switch it on"));
  }
  return faults;
}
