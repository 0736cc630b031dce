/** A decision service that answers AuthZEN's questions over HTTP and gRPC by a small policy, alone on its core. Needs OPA to compile it. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../harness/free-port.ts";
import { makeBundle } from "../../harness/made-bundle.ts";
import { ISSUER, startLoneDecision } from "../../integration/decision/lone-decision.ts";
import { measuredDecision, PATIENT } from "../check/full-service.ts";
import type { Cores } from "../cores.ts";
import { type Measured, measured } from "../load/measured.ts";

const REGO = join(import.meta.dirname, "../../../rego/countersign");
const FRAMEWORK = ["decision.rego", "approval/route.rego", "approval/may_review.rego"];
const POLICY = `package countersign.policies.files

allow contains "owners read" if {
  input.action.name == "read"
  input.resource.type == "file"
  input.resource.properties.owner == input.subject.id
  "engineers" in input.subject.properties.groups
}

deny contains "secret" if input.resource.properties.classification == "secret"
`;
const CLIENT_TOKEN = "service-token-of-the-bench";

type Authzen = AsyncDisposable & {
  readonly http: Measured;
  readonly grpc: Measured;
  readonly clientToken: string;
};

export async function startAuthzen(folder: string, cores: Cores): Promise<Authzen> {
  const bundle = join(folder, "bundle");
  const texts = await Promise.all(FRAMEWORK.map((name) => readFile(join(REGO, name), "utf8")));
  await makeBundle(bundle, [...texts, POLICY], { countersign: { requires: {} } }, { declaresReads: true });
  const tokenPath = join(folder, "client-token");
  await writeFile(tokenPath, `${CLIENT_TOKEN}\n`);
  const [httpPort, grpcPort] = [await freePort(), await freePort()];
  const clients = [{ name: "bench", tokenPath, subjects: { user: ISSUER } }];
  const api = { ...PATIENT, baseUrl: "https://pdp.example", httpPort, grpcPort, clients };
  const service = await startLoneDecision({ folder, name: "authzen", bundle, further: { api }, hasOwnClock: false });
  await measuredDecision(service, cores);
  return {
    http: measured([httpPort], [service.opsUrl]),
    grpc: measured([grpcPort], [service.opsUrl]),
    clientToken: CLIENT_TOKEN,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}
