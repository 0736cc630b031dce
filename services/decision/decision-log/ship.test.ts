/** What waits is shipped together; what is acknowledged counts as shipped, whatever becomes of the files afterwards. */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { MAX_UNPACKED_BYTES } from "../../../core/messages/envelope.ts";
import { MAX_RECORD_BYTES } from "../../../core/messages/topics.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { createLog } from "../../../platform/log/log.ts";
import type { OutgoingRecord, PublishOutcome } from "../../../platform/stream/port.ts";
import { memoryStream, NOW, signer } from "../../../test/harness/decision-log.ts";
import { createShipper } from "./ship.ts";
import { openSpool, type Spool } from "./spool.ts";
import { acknowledged, segmentPath } from "./spool-files.ts";

let folder: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ship-"));
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const log = createLog({ name: "test", onEvent: (event) => said.push(event), destination: { write: () => {} } });

test.each([
  ["marked", (boot: string) => join(folder, `${boot}.ack`)],
  ["removed", (boot: string) => segmentPath(folder, boot, 0)],
])(
  "a batch that was acknowledged and cannot be %s is shipped, that is said once, and it is made good later",
  async (_, pathOf) => {
    const boot = uuidv7();
    const spool = openSpool({ folder, log: `pdp/pdp-a/${boot}`, boot, segmentBytes: 1, maxBytes: 1e6 });
    const time = new Date(NOW).toISOString();
    const record = () => {
      spool.append({ kind: "log_opened", time, policy_revision: null });
      spool.write();
    };
    const stream = memoryStream();
    const shipper = createShipper({ stream, signer, log }, { folder, deployment: "test", log: spool.log, boot });
    for (let segment = 0; segment < 2; segment += 1) {
      record();
      expect(await shipper.next()).toMatchObject({ kind: "shipped", records: 1 });
    }

    // A folder is neither written nor removed as a file, by nobody.
    const inTheWay = pathOf(boot);
    rmSync(inTheWay, { force: true });
    mkdirSync(inTheWay);
    const before = spool.bytes;
    record();
    expect(await shipper.next()).toMatchObject({ kind: "shipped", records: 1, bytes: spool.bytes - before });
    record();
    expect(await shipper.next()).toMatchObject({ kind: "shipped", records: 1 });
    expect(said).toEqual(["decision_log_not_tidied"]);

    rmdirSync(inTheWay);
    record();
    expect(await shipper.next()).toMatchObject({ kind: "shipped", records: 1 });
    expect(await shipper.next()).toEqual({ kind: "nothing" });
    spool.close();
    expect(stream.records.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(acknowledged(folder, boot)).toEqual({ segment: 4, offset: expect.any(Number) });
    expect(readdirSync(folder).sort()).toEqual([`${boot}.000000000000004.log`, `${boot}.ack`]);
    expect(said).toHaveLength(1);
  },
);

const COUNT = 4_000;
const REPEATED = () => "r".repeat(64);

/** With records that wait. */
function fullSpool({ segmentBytes = 1e8, count = COUNT, revision = REPEATED } = {}) {
  const boot = uuidv7();
  const spool = openSpool({ folder, log: `pdp/pdp-a/${boot}`, boot, segmentBytes, maxBytes: 1e9 });
  fill(spool, count, revision);
  return spool;
}

function fill(spool: Spool, count = COUNT, revision = REPEATED): void {
  const time = new Date(NOW).toISOString();
  for (let at = 0; at < count; at += 1) {
    spool.append({ kind: "log_opened", time, policy_revision: revision() });
    if (at % 1_000 === 999) spool.write();
  }
}

/** Ships them to a stream that takes so many batches at once, and notes the sizes of those that it was given together. */
function shipping(spool: Spool, takes: { atOnce: number }) {
  const kept = memoryStream();
  const sizes: number[][] = [];
  const stream = {
    async publish(outgoing: readonly OutgoingRecord[]): Promise<PublishOutcome> {
      sizes.push(outgoing.map(({ value }) => value?.length ?? 0));
      return outgoing.length <= takes.atOnce ? kept.publish(outgoing) : { kind: "unknown", cause: new Error("no") };
    },
  };
  const { log: key, boot } = spool;
  return { ...createShipper({ stream, signer, log }, { folder, deployment: "test", log: key, boot }), kept, sizes };
}

test("what waits goes to the stream together, packed, in full batches and up to eight of them", async () => {
  const count = 15_000;
  const spool = fullSpool({ count });
  spool.close();
  const { next, kept, sizes } = shipping(spool, { atOnce: 8 });
  const shipped = [await next(), await next(), await next()];
  expect(shipped.map((one) => one.kind === "shipped" && one.isFull)).toEqual([true, true, false]);
  expect(await next()).toEqual({ kind: "nothing" });

  const total = (pick: (one: { bytes: number; records: number }) => number) =>
    shipped.reduce((sum, one) => sum + (one.kind === "shipped" ? pick(one) : 0), 0);
  expect(total((one) => one.records)).toBe(count);
  expect(total((one) => one.bytes)).toBe(spool.bytes);
  expect(kept.records.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, at) => at));
  expect(sizes.map((one) => one.length)).toEqual([8, 8, expect.any(Number)]);
  expect(sizes.flat()).toHaveLength(Math.ceil(spool.bytes / (MAX_UNPACKED_BYTES - 1_000)));
  expect(Math.max(...sizes.flat())).toBeLessThan(MAX_RECORD_BYTES);
});

test("records that can hardly be packed go as they are, in batches as full as a record of the topic may be", async () => {
  const count = 1_000;
  const spool = fullSpool({ count, revision: () => randomBytes(300).toString("base64") });
  spool.close();
  const { next, kept, sizes } = shipping(spool, { atOnce: 8 });
  while (kept.records.length < count) expect(await next()).toMatchObject({ kind: "shipped" });
  expect(kept.records.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, at) => at));
  const full = sizes.flat().slice(0, -1);
  expect(full.length).toBeGreaterThan(4);
  expect(Math.min(...full)).toBeGreaterThan(MAX_RECORD_BYTES - 1_000);
});

test("a few records go as they are, so that whoever looks into the topic can read them", async () => {
  const spool = fullSpool({ count: 3 });
  spool.write();
  spool.close();
  const values: (Buffer | null)[] = [];
  const stream = {
    async publish(outgoing: readonly OutgoingRecord[]): Promise<PublishOutcome> {
      values.push(...outgoing.map(({ value }) => value));
      return { kind: "acked" };
    },
  };
  const { log: key, boot } = spool;
  await createShipper({ stream, signer, log }, { folder, deployment: "test", log: key, boot }).next();
  expect(JSON.parse(String(values[0]))).toMatchObject({ v: 1, log: key, records: [{}, {}, {}] });
});

test("after batches that were not acknowledged each goes by itself, until nothing waits", async () => {
  const takes = { atOnce: 1 };
  const spool = fullSpool({ segmentBytes: 300_000 }); // several of them
  const { next, kept, sizes } = shipping(spool, takes);
  expect(await next()).toMatchObject({ kind: "not_acknowledged" });
  takes.atOnce = 0;
  expect(await next()).toMatchObject({ kind: "not_acknowledged" });
  takes.atOnce = 1;
  while (kept.records.length < 4_000) expect(await next()).toMatchObject({ kind: "shipped" });
  expect(kept.records.map(({ index }) => index)).toEqual(Array.from({ length: 4_000 }, (_, at) => at));
  const [together, ...alone] = sizes;
  expect(together?.length).toBeGreaterThan(1);
  expect(new Set(alone.map((one) => one.length))).toEqual(new Set([1]));
  expect(alone[1]).toEqual(together?.slice(0, 1));
  takes.atOnce = 8;
  fill(spool);
  spool.close();
  await next();
  expect(sizes.at(-1)?.length).toBeGreaterThan(1);
});
