import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { acknowledge, acknowledged, readAfter, segmentPath } from "./spool-files.ts";

const BOOT = "0193a0b0-7d12-7e3a-8a11-1234567890ab";
const START = { segment: 0, offset: 0 };

let folder: string;
let mark: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spool-files-"));
  mark = join(folder, `${BOOT}.ack`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the last of several marks counts, whichever is longer; without one it is the start", () => {
  expect(acknowledged(folder, BOOT)).toEqual(START);
  for (const place of [
    { segment: 120_000, offset: 16_777_216 },
    { segment: 0, offset: 7 },
    { segment: 3, offset: 1_234_567 },
  ]) {
    acknowledge(folder, BOOT, place);
    expect(acknowledged(folder, BOOT)).toEqual(place);
  }
});

test("a mark of which only a part was written is none: what lies behind the true one would never be shipped", () => {
  const at = (place: { segment: number; offset: number }) => {
    acknowledge(folder, BOOT, place);
    return readFileSync(mark, "latin1");
  };
  const [older, newer] = [at({ segment: 1, offset: 199 }), at({ segment: 2, offset: 200 })];
  for (let written = 0; written <= newer.length; written += 1) {
    writeFileSync(mark, newer.slice(0, written) + older.slice(written));
    expect([START, { segment: 1, offset: 199 }, { segment: 2, offset: 200 }]).toContainEqual(
      acknowledged(folder, BOOT),
    );
    writeFileSync(mark, newer.slice(0, written));
    expect([START, { segment: 2, offset: 200 }]).toContainEqual(acknowledged(folder, BOOT));
  }
});

test("whole lines are read, as many as there is room for, and never half of one", () => {
  writeFileSync(segmentPath(folder, BOOT, 0), '{"a":1}\n{"b":2}\n{"c"');
  const into = Buffer.alloc(64);
  const read = (offset: number, room: number) => {
    const chunk = readAfter(folder, BOOT, { segment: 0, offset }, into.subarray(0, room));
    return chunk && { text: into.toString("utf8", 0, chunk.length), end: chunk.end.offset };
  };
  expect(read(0, 64)).toEqual({ text: '{"a":1}\n{"b":2}', end: 16 });
  expect(read(0, 15)).toEqual({ text: '{"a":1}', end: 8 });
  expect(read(8, 8)).toEqual({ text: '{"b":2}', end: 16 });
  expect(read(16, 64)).toBeUndefined();
});

test("a line that is longer than there is room for is said, and not taken for the end of its segment", () => {
  writeFileSync(segmentPath(folder, BOOT, 0), `${"x".repeat(64)}\n`);
  writeFileSync(segmentPath(folder, BOOT, 1), '{"b":2}\n');
  expect(() => readAfter(folder, BOOT, START, Buffer.alloc(64))).toThrow("a line of over 64 bytes at 0");
});
