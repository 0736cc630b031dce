import { createHash } from "node:crypto";
import { expect, test } from "@jest/globals";
import { createStateView, SET_SUM_BITS } from "../domain/state-view.ts";
import { instant } from "../domain/time.ts";
import { lengthPrefixed } from "./hashing.ts";
import { setHashOf, setHashText, stateRecordHash } from "./record-keys.ts";
import { EARLIER_HEARTBEAT_KEY, HEARTBEAT_KEY, heartbeatsToWire } from "./state-record.ts";

test("the hash of a record is not narrower than the sum of the set", () => {
  const hashes = Array.from({ length: 64 }, (_, n) => stateRecordHash(`grant/${n}`, 1));
  expect(hashes.reduce((all, one) => all | one)).toBe((1n << BigInt(SET_SUM_BITS)) - 1n);
  expect(hashes.reduce((all, one) => all & one)).toBe(0n);
});

test("sums that differ only above their lowest 256 bits have different set hashes", () => {
  expect(setHashOf(1n)).not.toBe(setHashOf(1n + (1n << 256n)));
});

test("an earlier reader, to which the heartbeat is a key like any other, finds its own sum of SHA-256 in the earlier one", () => {
  const earlierHash = (key: string, version: number) => {
    const bytes = lengthPrefixed(["countersign/state-set/v1", key, String(version)]);
    return BigInt(`0x${createHash("sha256").update(bytes).digest("hex")}`);
  };
  const set = createStateView<undefined>(stateRecordHash);
  const earlier = [earlierHash(HEARTBEAT_KEY, 0)];
  for (let n = 0; n < 20; n += 1) {
    set.apply({ key: `grant/${n}`, version: n, value: undefined });
    earlier.push(earlierHash(`grant/${n}`, n));
  }
  const wire = heartbeatsToWire(instant(1_795_478_400_000), set.sum());
  expect([...wire.keys()]).toEqual([HEARTBEAT_KEY, EARLIER_HEARTBEAT_KEY]);
  const sum = BigInt.asUintN(
    256,
    earlier.reduce((all, one) => all + one),
  );
  expect(wire.get(EARLIER_HEARTBEAT_KEY)?.set_hash).toBe(setHashText(sum));
});
