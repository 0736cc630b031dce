/** What workers that are no more left behind: taken over whole, and not while somebody may still write it. */
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { createSigner } from "../../../core/messages/signing.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { OutgoingRecord } from "../../../platform/stream/port.ts";
import { formerWorkerFolders } from "../../../platform/workers/config.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { adoptSpools } from "./adopt-spools.ts";
import { startDecisionLog } from "./decision-log.ts";
import { openSpool } from "./spool.ts";
import { acknowledge, segmentsOf } from "./spool-files.ts";

const NOW = instant(1_795_478_400_000);
const log = createLog({ name: "test", level: "silent" });
const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adopt-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The spool of a worker that had shipped nothing. */
function left(worker: number, boot: string, isClosed: boolean): string {
  const own = join(folder, `worker-${worker}`);
  const spool = openSpool({ folder: own, log: `pdp/pdp-a/${boot}`, boot, segmentBytes: 4_096, maxBytes: 1e6 });
  const time = new Date(NOW).toISOString();
  spool.append({ kind: "log_opened", time, policy_revision: null });
  if (isClosed) spool.append({ kind: "log_closed", time, tail: "complete" });
  spool.write();
  spool.close();
  return own;
}

test("folders of workers that are still there, and what is no worker's, are nobody's to take", () => {
  for (const name of ["worker-2", "worker-3", "worker-10", "worker-03", "worker-x", "other"])
    mkdirSync(join(folder, name));
  const names = (workers: number) => formerWorkerFolders(folder, workers).map((path) => path.slice(folder.length + 1));
  expect(names(2)).toEqual(["worker-3", "worker-10"]);
  expect(names(10)).toEqual([]);
  expect(formerWorkerFolders(join(folder, "nowhere"), 1)).toEqual([]);
});

test("a log that does not say its end is left alone while it may be written; one that does is not waited for", async () => {
  const [open, closed] = [uuidv7(), uuidv7()];
  const from = [left(2, open, false), left(3, closed, true)];
  let wallMs = Date.now();
  let looked = 0;
  const clock = {
    wallMs: () => {
      looked += 1;
      return wallMs;
    },
    monotonicMs: () => 0,
  };
  const adopting = adoptSpools({ log, clock }, { folder, workers: 1, quietMs: 60_000 });
  await waitUntil("the closed one to be moved", 30_000, () => segmentsOf(folder, closed).length === 1);
  expect(segmentsOf(folder, open)).toEqual([]);
  // The process that drains writes once more.
  const later = new Date(wallMs + 50_000);
  utimesSync(segmentsOf(from[0] ?? "", open)[0]?.path ?? "", later, later);
  wallMs += 61_000;
  looked = 0;
  // It has not taken what it saw the first time for the end, or there would be no second.
  await waitUntil("it to look at the clock once more", 30_000, () => looked >= 2);
  expect(segmentsOf(folder, open)).toEqual([]);
  wallMs += 60_000;
  await adopting;
  expect(segmentsOf(folder, open)).toHaveLength(1);
});

test("a wall clock that was set back by an hour holds up the start no longer than a log has to be watched, from its last write on", async () => {
  const boot = uuidv7();
  const from = left(2, boot, false);
  let monotonicMs = 0;
  let looked = 0;
  const clock = {
    wallMs: () => Date.now() - 3_600_000,
    monotonicMs: () => {
      looked += 1;
      return monotonicMs;
    },
  };
  const lookAgain = (at: number) => {
    [monotonicMs, looked] = [at, 0];
    return waitUntil("it to look at the clock twice more", 30_000, () => looked >= 2);
  };
  const adopting = adoptSpools({ log, clock }, { folder, workers: 1, quietMs: 60_000 });
  const later = new Date(Date.now() + 5_000);
  utimesSync(segmentsOf(from, boot)[0]?.path ?? "", later, later);
  await lookAgain(50_000);
  await lookAgain(109_000);
  expect(segmentsOf(folder, boot)).toEqual([]);
  monotonicMs = 111_000;
  await adopting;
  expect(segmentsOf(folder, boot)).toHaveLength(1);
});

test("an adoption that was killed between two files is brought to its end by the next start, before anybody reads the log", async () => {
  const boot = uuidv7();
  const from = join(folder, "worker-2");
  const spool = openSpool({ folder: from, log: `pdp/pdp-a/${boot}`, boot, segmentBytes: 1, maxBytes: 1e6 });
  const time = new Date(NOW).toISOString();
  spool.append({ kind: "log_opened", time, policy_revision: null });
  spool.write();
  spool.append({ kind: "log_closed", time, tail: "complete" });
  spool.write();
  spool.close();
  acknowledge(from, boot, { segment: 0, offset: 0 });
  const all = readdirSync(from).sort();
  expect(all).toHaveLength(3);
  // What goes first: the mark, and the end of the log.
  for (const name of all.toReversed().slice(0, 2)) renameSync(join(from, name), join(folder, name));
  await adoptSpools(
    { log, clock: { wallMs: () => Date.now() + 3_600_000, monotonicMs: () => 0 } },
    { folder, workers: 1, quietMs: 60_000 },
  );
  expect(readdirSync(from)).toEqual([]);
  expect(segmentsOf(folder, boot)).toHaveLength(2);
});

test("what a worker that is no more had not shipped is shipped by the first one under its own log, after what was acknowledged", async () => {
  const [killed, ended] = [uuidv7(), uuidv7()];
  const from = [left(2, killed, false), left(3, ended, true)];
  acknowledge(from[1] ?? "", ended, { segment: 0, offset: 0 });
  await adoptSpools(
    { log, clock: { wallMs: () => Date.now() + 3_600_000, monotonicMs: () => 0 } },
    { folder, workers: 1, quietMs: 60_000 },
  );
  expect(from.flatMap((one) => readdirSync(one))).toEqual([]);
  const sent: string[] = [];
  const publish = async (records: readonly OutgoingRecord[]) => {
    sent.push(...records.map(({ value }) => String(value)));
    return { kind: "acked" } as const;
  };
  const deps = { stream: { publish }, signer: createSigner("pdp-a", pem), log, now: () => NOW };
  const options = {
    folder,
    deployment: "test",
    boot: uuidv7(),
    required: false,
    policyRevision: () => "r1",
    drainMs: 20_000,
  };
  const running = startDecisionLog({ ...deps, metrics: createMetrics({ prefix: "t_" }) }, options);
  const of = (boot: string) => sent.filter((batch) => batch.includes(boot)).join();
  await waitUntil("both logs to be shipped whole", 30_000, () =>
    [killed, ended].every((boot) => of(boot).includes("log_closed")),
  );
  expect(of(killed)).toContain('"tail":"recovered"');
  expect(of(ended)).toContain('"tail":"complete"');
  // NB: they go after the stream has acknowledged them; an end before that leaves them to the next start.
  await waitUntil("their spools to be gone", 30_000, () =>
    readdirSync(folder).every((name) => !name.includes(killed) && !name.includes(ended)),
  );
  await running[Symbol.asyncDispose]();
  expect(readdirSync(folder).filter((name) => name.endsWith(".log"))).toEqual([]);
});
