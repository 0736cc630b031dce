/**
 * Preloaded into every process of a test system: its wall clock is as far off as the file `TEST_CLOCK_FILE` says, in milliseconds; without
 * that file it is right. The file is looked at again whenever a clock is read that was last looked at 5 ms ago or more, so a process whose
 * clock jumps sees it jump wherever it stands. The monotonic clock is left alone, as a jump of the wall clock leaves it.
 */
import { readFileSync } from "node:fs";

const RIGHT_FOR_MS = 5;
const file = process.env["TEST_CLOCK_FILE"];
const trueNow = Date.now;
let shiftMs = 0;
let lookedAtMs = Number.NEGATIVE_INFINITY;

function now(): number {
  const mono = performance.now();
  if (mono - lookedAtMs >= RIGHT_FOR_MS) {
    lookedAtMs = mono;
    shiftMs = readShift();
  }
  return trueNow() + shiftMs;
}

function readShift(): number {
  try {
    return file === undefined ? 0 : Number(readFileSync(file, "utf8"));
  } catch {
    return 0;
  }
}

Date.now = now;
// `new Date()` as well: gRPC compares a deadline made of one with the other.
globalThis.Date = new Proxy(Date, {
  construct: (target, given, newTarget) => Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
});
