/** The planted secrets at the two ports that programs alone speak to: what an enforcer says of its caller, and what a redemption is shown. */
import { readFile } from "node:fs/promises";
import { credentials, Metadata } from "@grpc/grpc-js";
import { RedemptionServiceClient } from "../../proto/gen/countersign/v1/redemption.ts";
import { AuthorizationClient, CheckRequest } from "../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { System } from "../harness/system.ts";
import { checkBytes } from "../integration/decision/check-messages.ts";
import { PLANTED } from "./planted-secrets.ts";

/** As an enforcer does that takes the certificates of its callers: Envoy's own bootstrap lets no such header through. */
export async function checkWithCertificate(system: System): Promise<readonly string[]> {
  const answers: string[] = [];
  const [{ port } = { port: 0 }] = system.decisions;
  const client = new AuthorizationClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const shown = PLANTED["the header of a client certificate"];
  for (const headers of [`Hash=${shown};URI=spiffe://x/y`, `Cert="${shown}"`]) {
    const check = CheckRequest.decode(
      checkBytes({ from: "192.0.2.1", headers: [["x-forwarded-client-cert", headers]] }),
    );
    if (check.attributes?.source === undefined) throw new Error("a check without a source");
    check.attributes.source.certificate = PLANTED["the client certificate that an enforcer saw"];
    await new Promise<void>((resolve) => {
      client.check(check, new Metadata(), { deadline: Date.now() + 10_000 }, (error, answer) => {
        answers.push(`${String(error)} ${JSON.stringify(answer)}`);
        resolve();
      });
    });
  }
  client.close();
  return answers;
}

export async function redeemWithAWrongToken(system: System): Promise<string> {
  const [decision] = system.decisions;
  const config = await readFile(decision?.configPath ?? "", "utf8");
  const [, address = ""] = /redemption:\n\s+address: (\S+)/.exec(config) ?? [];
  const client = new RedemptionServiceClient(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${PLANTED["a service token that is wrong"]}`);
  const about = { redemptionId: "x", grantId: "x", issuer: "x", subject: "x", entitlement: "x", scope: "x" };
  const refusal = await new Promise<string>((resolve) => {
    client.redeem({ ...about, actors: [], digest: undefined }, metadata, (error) => resolve(String(error)));
  });
  client.close();
  return refusal;
}
