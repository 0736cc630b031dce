import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { digest } from "./id.ts";
import {
  BEGINNING,
  endAfter,
  type LogEnd,
  type LogEntry,
  NO_PREVIOUS,
  placeAfter,
  repeats,
  standing,
} from "./log-chain.ts";

const hash = fc.nat({ max: 2 ** 31 - 1 }).map((n) => digest((n + 1).toString(16).padStart(64, "0")));
/** A log whose entries have different hashes, written as `placeAfter` says. */
const log = fc.uniqueArray(hash, { minLength: 2, maxLength: 20 }).map((hashes) => {
  const entries: LogEntry[] = [];
  let end = BEGINNING;
  for (const one of hashes) {
    const entry = { ...placeAfter(end), hash: one, closes: false };
    entries.push(entry);
    end = endAfter(entry);
  }
  return entries;
});

function endOf(entries: readonly LogEntry[]): LogEnd {
  const last = entries.at(-1);
  return last === undefined ? BEGINNING : endAfter(last);
}

describe("a log", () => {
  test("no other order of its entries follows from the beginning", () => {
    fc.assert(
      fc.property(log, fc.infiniteStream(fc.nat()), (entries, randoms) => {
        const order = entries.toSorted(() => ((randoms.next().value ?? 0) % 3) - 1);
        fc.pre(order.some((entry, at) => entry !== entries[at]));
        const read: LogEntry[] = [];
        const wrong = order.find((entry) => standing(entry, endOf(read)) !== "next" || read.push(entry) === 0);
        expect(wrong).toBeDefined();
      }),
    );
  });

  test("an entry that is left out is missed by every later one, whatever they name", () => {
    fc.assert(
      fc.property(log, fc.nat(), fc.nat(), (entries, first, second) => {
        const out = first % (entries.length - 1);
        const later = entries[out + 1 + (second % (entries.length - 1 - out))];
        expect(later && standing(later, endOf(entries.slice(0, out)))).toBe("ahead");
      }),
    );
  });

  test("an entry that was exchanged for another one breaks the chain at its successor", () => {
    fc.assert(
      fc.property(log, fc.nat(), hash, (entries, any, other) => {
        const at = any % (entries.length - 1);
        const [entry, after] = entries.slice(at, at + 2);
        fc.pre(entry !== undefined && after !== undefined && entry.hash !== other);
        if (entry !== undefined && after !== undefined)
          expect(standing(after, endAfter({ ...entry, hash: other }))).toBe("chain_broken");
      }),
    );
  });

  test("under a known index another entry is no repetition where a hash is kept, and none closes the log below its end", () => {
    fc.assert(
      fc.property(log, fc.nat(), hash, (entries, any, other) => {
        const [entry] = entries.slice(any % entries.length);
        fc.pre(entry !== undefined && entry.hash !== other);
        if (entry === undefined) return;
        const [end, kept] = [endOf(entries), new Map([[entry.index, entry.hash]])];
        expect(repeats({ ...entry, hash: other }, end, kept)).toBe(false);
        expect(repeats(entry, end, kept)).toBe(true);
        const isLast = entry.index === end.nextIndex - 1n;
        expect(repeats({ ...entry, closes: true }, end, new Map())).toBe(isLast);
      }),
    );
  });

  test("what is known already never counts again, whatever it names", () => {
    fc.assert(
      fc.property(log, fc.nat(), hash, (entries, any, previous) => {
        const entry = entries[any % entries.length];
        expect(entry && standing({ ...entry, previous }, endOf(entries))).toBe("known");
      }),
    );
  });

  test("nothing stands behind the entry that closes it, near or far", () => {
    fc.assert(
      fc.property(log, fc.bigInt({ min: 0n, max: 2n ** 40n }), (entries, far) => {
        const closed = { ...endOf(entries), closed: true };
        const place = placeAfter(closed);
        expect(standing(place, closed)).toBe("log_closed");
        expect(standing({ ...place, index: place.index + far }, closed)).toBe("log_closed");
      }),
    );
  });

  test("the first entry names nobody", () => {
    expect(standing({ index: 0n, previous: digest("f".repeat(64)) }, BEGINNING)).toBe("chain_broken");
    expect(standing({ index: 0n, previous: NO_PREVIOUS }, BEGINNING)).toBe("next");
  });

  test("an entry follows where the writer puts it, whatever was before", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 60n }), hash, (nextIndex, lastHash) => {
        const end = { nextIndex, lastHash, closed: false };
        expect(standing(placeAfter(end), end)).toBe("next");
      }),
    );
  });
});
