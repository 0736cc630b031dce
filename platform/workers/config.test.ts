import { describe, expect, test } from "@jest/globals";
import { planWorkers, workerFaults, type WorkersConfig } from "./config.ts";

const three: WorkersConfig = {
  ...{ instance: "decision", workers: 3, workerPorts: [], workerOpsPorts: [] },
  ...{ listen: { port: 9191 }, ops: { port: 9200 } },
};
const faults = (change: Partial<WorkersConfig>) =>
  workerFaults({ ...three, ...change }).map(({ key, problem }) => `${key}: ${problem}`);

describe("what is refused of several workers", () => {
  test.each<[string, Partial<WorkersConfig>, string]>([
    ["a port that two would take", { ops: { port: 9192 } }, "workers: would use port 9192 twice"],
    ["a listed port that is the operators'", { workerPorts: [9191, 9200, 9193] }, "workers: would use port 9200 twice"],
    ["fewer ports than workers", { workerPorts: [9191, 9192] }, "workerPorts: has 2 ports for 3 workers"],
    ["more operators' ports than workers", { workerOpsPorts: [1, 2, 3, 4] }, "workerOpsPorts: has 4 ports for 3"],
    ["a port that nobody could name", { listen: { port: 0 } }, "listen.port: is 0"],
    ["operators' ports that nobody could name", { ops: { port: 0 } }, "ops.port: is 0"],
    ["a port of the API that is a worker's", { api: { httpPort: 9189 } }, "workers: would use port 9191 twice"],
    [
      "a gRPC port of the API that is the other one's",
      { api: { httpPort: 80, grpcPort: 82 } },
      "workers: would use port 82",
    ],
    ["a port of the API that nobody could name", { api: { httpPort: 0 } }, "api.httpPort: is 0"],
    ["ports beyond the last one", { listen: { port: 65_534 } }, "workers: would need port 65536"],
    ["a name without room for a number", { instance: "i".repeat(61) }, "instance: is longer than 60"],
  ])("%s", (_, change, says) => {
    expect(faults(change)).toEqual([expect.stringContaining(says)]);
  });

  test("one process may have any port, and three have those in a row or those that are listed", () => {
    expect(faults({ workers: 1, listen: { port: 0 }, ops: { port: 0 }, workerPorts: [1, 2, 3] })).toEqual([]);
    expect(faults({})).toEqual([]);
    expect(faults({ workerPorts: [1, 2, 3], workerOpsPorts: [4, 5, 6], listen: { port: 0 } })).toEqual([]);
  });
});

test("each worker is told by variables who it is, and nobody has a folder of another", () => {
  const folders = new Map([
    ["decisionLog.folder", "/spool"],
    ["identity.keyFolder", undefined],
  ]);
  process.env["T_INSTANCE_FILE"] = "would be a second word about the same";
  process.env["START_AFTER_FD"] = "3";
  const plans = planWorkers(
    { ...three, workers: 2, workerOpsPorts: [7, 8], api: { httpPort: 80, grpcPort: 90 } },
    { prefix: "T_", folders },
  );
  delete process.env["T_INSTANCE_FILE"];
  delete process.env["START_AFTER_FD"];
  const told = plans.map(({ env }) =>
    Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith("T_"))),
  );
  const own = (number: number, folder: string) => ({
    ...{ T_WORKERS: "1", T_INSTANCE: `decision-${number}`, T_DECISION_LOG_FOLDER: folder },
    ...{ T_LISTEN_PORT: String(9190 + number), T_OPS_PORT: String(6 + number) },
    ...{ T_API_HTTP_PORT: String(79 + number), T_API_GRPC_PORT: String(89 + number) },
  });
  expect(told).toEqual([own(1, "/spool"), own(2, "/spool/worker-2")]);
  expect(plans[0]?.env).not.toHaveProperty("START_AFTER_FD"); // each begins at once
  expect(plans[0]?.env["PATH"]).toBe(process.env["PATH"]);
});
