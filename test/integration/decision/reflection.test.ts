/** gRPC server reflection, asked by a real client of it (buf curl): what is served is told where that is configured, and a call made by it. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { startRedemptionServer } from "../../../services/approval/grpc/redemption-server.ts";
import { freePort } from "../../harness/free-port.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { ISSUER, startLoneDecision } from "./lone-decision.ts";

const BUF = join(import.meta.dirname, "../../../node_modules/.bin/buf");
const CLIENT = "service-token-of-the-gateway";

const ports = { told: 0, silent: 0 };
const owned = new AsyncDisposableStack();
let told: Decision;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "reflection-"));
  owned.defer(() => rm(folder, { recursive: true }));
  const tokenPath = join(folder, "gateway");
  await writeFile(tokenPath, CLIENT);
  const clients = [{ name: "gateway", tokenPath, subjects: { user: ISSUER } }];
  const start = async (name: keyof typeof ports, more: object) => {
    ports[name] = await freePort();
    const api = { baseUrl: "https://pdp.example", httpPort: 0, grpcPort: ports[name], clients, ...more };
    return owned.use(await startLoneDecision({ folder, name, further: { api } }));
  };
  told = await start("told", { grpcReflection: true });
  await start("silent", {});
});
afterAll(() => owned.disposeAsync());

/** What buf says, or why it says nothing; it has no schema but the server's. */
async function buf(port: number, path: string, ...args: readonly string[]): Promise<string> {
  const plain = ["curl", "--protocol", "grpc", "--http2-prior-knowledge", ...args];
  const ran = promisify(execFile)(BUF, [...plain, `http://127.0.0.1:${port}${path}`], { cwd: tmpdir() });
  return ran.then(
    ({ stdout }) => stdout,
    (error: unknown) => String(error),
  );
}

test("without it nobody is told anything; ext_authz and redemption never have it", async () => {
  await using redemption = await startRedemptionServer(
    {
      redeem: () => Promise.reject(new Error("not asked")),
      ...{ log: createLog({ name: "test", level: "silent" }), metrics: createMetrics({ prefix: "t_" }) },
      monotonicMs: () => performance.now(),
    },
    { host: "127.0.0.1", port: 0, tls: undefined, serviceToken: () => CLIENT },
  );
  expect(await buf(redemption.port, "", "--list-services")).toMatch(/unimplemented|reflection/i);
  expect(await buf(ports.silent, "", "--list-services")).toMatch(/unimplemented|reflection/i);
  expect(await buf(told.port, "", "--list-services")).toMatch(/unimplemented|reflection/i);
});

test("with it a client that knows no schema lists what is served, and asks; without a credential it is told the schema alone", async () => {
  expect(await buf(ports.told, "", "--list-services")).toContain("countersign.v1.DecisionService");
  expect(await buf(ports.told, "", "--list-methods")).toContain("countersign.v1.DecisionService/EvaluateBatch");
  const question = {
    subject: { type: "user", id: "dana" },
    action: { name: "GET" },
    resource: { type: "order", id: "42" },
  };
  const evaluate = (...more: readonly string[]) =>
    buf(ports.told, "/countersign.v1.DecisionService/Evaluate", "--data", JSON.stringify(question), ...more);
  expect(await evaluate()).toContain("unauthenticated");
  const answer: unknown = JSON.parse(await evaluate("--header", `authorization: Bearer ${CLIENT}`));
  expect(answer).toMatchObject({ outcome: "OUTCOME_DENY" });
});
