/** The clock of last resort, for whatever is not paid as it should be: it runs from before the arguments are read until the answer is written. */
import { expect, test } from "@jest/globals";
import { type Builtin, BuiltinError } from "../builtin.ts";
import { createBuiltinCalls } from "./builtin-calls.ts";
import { BuiltinExceeded } from "./evaluation.ts";

const LONGEST_MS = 2_000;
const [id, context, argument, address] = [1, 0, 7, 8];

/** Calls of a built-in that takes no time itself, with arguments and answers that take `ms` in all. */
function callsOf(
  builtin: Builtin,
  { dumpMs = 0, parseMs = 0 }: { readonly dumpMs?: number; readonly parseMs?: number },
) {
  let nowMs = 0;
  const after = <T>(ms: number, value: T) => {
    nowMs += ms;
    return value;
  };
  const calls = createBuiltinCalls({
    builtins: new Map([["tried", builtin]]),
    nameOf: () => "tried",
    values: {
      dump: () => after(dumpMs, "1"),
      dumpRaw: () => "1",
      rawText: () => "1",
      text: () => "1",
      parse: () => after(parseMs, address),
      loadJson: () => address,
      memoryBytes: () => 0,
    },
    fuel: () => ({ fill: () => undefined, left: () => 1, charge: () => undefined }),
    monotonicMs: () => nowMs,
  });
  const reply = () => {
    throw new Error("nobody asks");
  };
  calls.begin({ nowNs: 0n, randomBytes: (_, length) => new Uint8Array(length), reply }, LONGEST_MS);
  return () => calls.call(id, context, argument);
}

const fails: Builtin = () => {
  throw new BuiltinError("never");
};

test.each<readonly [string, Builtin, Parameters<typeof callsOf>[1]]>([
  ["arguments that take long to be read", () => true, { dumpMs: 1_500 }],
  ["answers that take long to be written", () => true, { parseMs: 1_500 }],
  ["calls that fail", fails, { dumpMs: 1_500 }],
  ["calls that are undefined", () => undefined, { dumpMs: 1_500 }],
])("%s end the evaluation once all of them took too long", (_, builtin, takes) => {
  const call = callsOf(builtin, takes);
  expect(call).not.toThrow();
  expect(call).toThrow(BuiltinExceeded);
});

test("where reading took too long, a built-in that pays as it goes does not come to its work", () => {
  let works = 0;
  const pays: Builtin = (_, { pay }) => {
    pay(1);
    works++;
    return true;
  };
  expect(callsOf(pays, { dumpMs: LONGEST_MS + 1 })).toThrow(BuiltinExceeded);
  expect(works).toBe(0);
  expect(callsOf(pays, {})()).toBe(address);
});
