import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { uuidv7 } from "../../../platform/clock.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { expectWhole, memoryStream, NOW, started } from "../../../test/harness/decision-log.ts";
import { openSpool } from "./spool.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spool-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("half a record at the end is cut off, and the old log is closed under its own id", async () => {
  const boot = uuidv7();
  const spool = openSpool({ folder, log: `pdp/pdp-a/${boot}`, boot, segmentBytes: 4_096, maxBytes: 1e6 });
  spool.append({ kind: "log_opened", time: new Date(NOW).toISOString(), policy_revision: null });
  spool.write();
  spool.close();
  appendFileSync(join(folder, readdirSync(folder)[0] ?? ""), '{"v":1,"log":"pdp/');
  const stream = memoryStream();
  const running = started(folder, stream);
  const old = await waitUntil("the old log to be closed", 30_000, () => {
    const records = stream.records.filter((record) => record.log.endsWith(boot));
    return records.length === 2 ? records : undefined;
  });
  expectWhole(old);
  expect(old[1]).toMatchObject({ kind: "log_closed", tail: "recovered" });
  await running[Symbol.asyncDispose]();
});

test("after kill -9 every answered decision is in the log that the next start closes", async () => {
  const boot = uuidv7();
  const script = `
    import { openSpool } from ${JSON.stringify(join(import.meta.dirname, "spool.ts"))};
    const spool = openSpool({ folder: ${JSON.stringify(folder)}, log: "pdp/pdp-a/${boot}", boot: "${boot}", segmentBytes: 4096, maxBytes: 1e9 });
    const time = new Date(0).toISOString();
    spool.append({ kind: "log_opened", time, policy_revision: null });
    const body = { kind: "decision", time, outcome: "deny", reason: null, reasons: [], subject: null, method: "", authority: "", path: "",
      masked_query: "", source_address: null, policy_revision: null, entitlements: [], denial_id: null, grant_id: null, request_id: null,
      grant_reason: null, redeemed: false, mode: "enforce", duration_us: 0, traceparent: null };
    for (let n = 1; ; n++) { spool.append({ ...body, decision_id: String(n) }); spool.write(); process.stdout.write(n + "\\n"); await null; if (n % 50 === 0) await new Promise(setImmediate); }
  `;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let answered = "";
  child.stdout.on("data", (chunk: Buffer) => {
    answered += chunk.toString();
  });
  await waitUntil("200 answers", 30_000, () => answered.split("\n").length > 200);
  child.kill("SIGKILL");
  await once(child, "close");
  const last = answered.split("\n").slice(0, -1).map(Number).at(-1) ?? 0;

  const stream = memoryStream();
  const running = started(folder, stream);
  const old = await waitUntil("the killed boot's log", 30_000, () => {
    const records = stream.records.filter((record) => record.log.endsWith(boot));
    return records.at(-1)?.kind === "log_closed" ? records : undefined;
  });
  expectWhole(old);
  const ids = new Set(old.map((record) => (record.kind === "decision" ? Number(record.decision_id) : 0)));
  for (let n = 1; n <= last; n++) expect(ids.has(n)).toBe(true);
  await running[Symbol.asyncDispose]();
});
