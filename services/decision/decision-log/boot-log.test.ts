/** How the log of one boot begins and ends: with a record of each, or the next start says its end. */
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { uuidv7 } from "../../../platform/clock.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { PublishOutcome } from "../../../platform/stream/port.ts";
import { entry, expectWhole, memoryStream, nextSigner, started } from "../../../test/harness/decision-log.ts";
import { segmentPath } from "./spool-files.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "boot-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A stream that is away until `back` is called. */
function awayStream() {
  let outcome: PublishOutcome = { kind: "unknown", cause: new Error("down") };
  const stream = memoryStream(() => outcome);
  const back = () => {
    outcome = { kind: "acked" };
  };
  return { stream, back };
}

/** A decision takes less than 800 bytes and that record more than 200: one of these leaves no room for it. */
const LIMITS = [2_000, 2_200, 2_400, 2_600];

test.each(LIMITS)(
  "a spool of %d bytes that is full takes the end of its log all the same, and what is shipped whole is closed",
  async (maxSpoolBytes) => {
    const { stream, back } = awayStream();
    const running = started(folder, stream, { maxSpoolBytes });
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => running.append(entry())));
    expect(outcomes).toEqual(Array(6).fill(undefined)); // nothing is told in their place where they need not be on record
    expect(running.health()).toEqual({ status: "degraded", detail: "the spool is full" });
    const ended = running[Symbol.asyncDispose]();
    back();
    await ended;
    expect(stream.records.at(-1)).toMatchObject({ kind: "log_closed", tail: "complete" });
    expectWhole(stream.records);
    expect(readdirSync(folder)).toEqual([]);
  },
);

test("a log whose end could not be written stays when all of it is shipped, and the next start closes it", async () => {
  const { stream, back } = awayStream();
  const boot = uuidv7();
  const running = started(folder, stream, { boot });
  await Promise.all(Array.from({ length: 20 }, () => running.append(entry())));
  // The segment is full, and the next one cannot be begun.
  const inTheWay = segmentPath(folder, boot, 21);
  mkdirSync(inTheWay);
  const ended = running[Symbol.asyncDispose]();
  rmdirSync(inTheWay);
  back();
  await ended;
  expect(stream.records).toHaveLength(21);

  const next = started(folder, stream);
  const of = () => stream.records.filter((record) => record.log === `pdp/pdp-a/${boot}`);
  await waitUntil("the former log to be gone", 30_000, () => !readdirSync(folder).some((name) => name.includes(boot)));
  await next[Symbol.asyncDispose]();
  expect(of().at(-1)).toMatchObject({ kind: "log_closed", tail: "recovered" });
  expectWhole(of());
  expect(readdirSync(folder)).toEqual([]);
});

test("a log that is begun while the process runs names the policies of that moment", async () => {
  let revision = "r1";
  const stream = memoryStream();
  const running = started(folder, stream, { policyRevision: () => revision });
  revision = "r2";
  running.replaceSigner(nextSigner, uuidv7());
  await running[Symbol.asyncDispose]();
  const named = (kid: string) =>
    stream.records.find((one) => one.kind === "log_opened" && one.log.startsWith(`pdp/${kid}/`));
  expect([named("pdp-a"), named("pdp-b")]).toMatchObject([{ policy_revision: "r1" }, { policy_revision: "r2" }]);
});

test("a log that has no room for its first record is not begun, and leaves no file open", () => {
  expect(() => started(folder, memoryStream(), { maxSpoolBytes: 1 })).toThrow("spool");
  expect(openFiles().filter((path) => path.startsWith(folder))).toEqual([]);
});

/** Of this process, where the system tells. */
function openFiles(): readonly string[] {
  const listed = "/proc/self/fd";
  const names = process.platform === "linux" ? readdirSync(listed) : [];
  return names.flatMap((name) => {
    try {
      return [readlinkSync(join(listed, name))];
    } catch {
      return []; // The listing's own.
    }
  });
}
