/**
 * A decision service that answers AuthZEN's questions over HTTP and gRPC by a small policy, alone on its core; its decisions are shipped to a stream in
 * Postgres. Needs OPA to compile the policy.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { instant } from "../../../core/domain/time.ts";
import { freePort } from "../../harness/free-port.ts";
import { makeBundle } from "../../harness/made-bundle.ts";
import { DEPLOYMENT, ISSUER, startLoneDecision } from "../../integration/decision/lone-decision.ts";
import { tellGrants } from "../../integration/decision/told-grants.ts";
import { measuredDecision, PATIENT } from "../check/full-service.ts";
import { grantsFor } from "../check/sample-check.ts";
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
  await using owned = new AsyncDisposableStack();
  const grants = grantsFor(1, ISSUER, instant(Date.now()));
  const { streamUrl, stateRelay } = owned.use(await tellGrants(grants, { folder, deployment: DEPLOYMENT }));
  const own = { folder, name: "authzen", bundle, streamUrl, stateRelay, hasOwnClock: false };
  const service = owned.use(await startLoneDecision({ ...own, further: { api } }));
  await service.untilFresh();
  await measuredDecision(service, cores);
  const all = owned.move();
  return {
    http: measured([httpPort], [service.opsUrl]),
    grpc: measured([grpcPort], [service.opsUrl]),
    clientToken: CLIENT_TOKEN,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
