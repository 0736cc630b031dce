/** What is taken for which code, on modules put together by hand. */
import { describe, expect, test } from "@jest/globals";
import { call, handMade, metered, oneFunction, TYPE } from "../../../test/harness/wasm-module.ts";
import { SECTION } from "./binary/sections.ts";
import { fuelOf, OutOfFuel } from "./fuel.ts";

const { i32, none } = TYPE;
const END = 0x0b;

describe("the price", () => {
  /** Counts its parameter down to 0: each round has six instructions, which is one unit. */
  const countDown = handMade({
    types: [[[i32], [i32]]],
    functions: [[0, [0, 0x03, none, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, END, 0x20, 0, END]]],
    exports: [["f", 0]],
  });
  const nops = (count: number) => Array<number>(count).fill(0x01);
  const priceOf = (wasm: Uint8Array, ...args: readonly unknown[]) => {
    const instance = metered(wasm);
    const fuel = fuelOf(instance);
    fuel.fill(100_000);
    call(instance, ...args);
    return 100_000 - fuel.left();
  };

  test("is one for each further round of a short loop, and the same every time", () => {
    for (const rounds of [1, 5, 1_000]) {
      expect(priceOf(countDown, rounds)).toBe(rounds - 1);
      expect(priceOf(countDown, rounds)).toBe(rounds - 1);
    }
    const instance = metered(countDown);
    fuelOf(instance).fill(10);
    expect(call(instance, 11)).toBe(0);
    fuelOf(instance).fill(10);
    expect(() => call(instance, 12)).toThrow(WebAssembly.RuntimeError);
  });

  test("of a function is its longest way without long arms, and of a light one is its caller's", () => {
    const heavy = nops(1_600);
    expect(priceOf(oneFunction(heavy))).toBe(100);
    expect(priceOf(oneFunction([...heavy, 0x02, none, ...nops(160), END]))).toBe(110);
    expect(priceOf(oneFunction([0x41, 0, 0x04, none, ...nops(96), 0x05, ...nops(32), END, ...heavy]))).toBe(106);
    expect(priceOf(oneFunction([0x02, none, 0x41, 1, 0x0d, 0, ...heavy, END, ...nops(160)]))).toBe(110);
    expect(priceOf(oneFunction([0x02, none, ...heavy, 0x0c, 0, ...heavy, END, ...nops(160)]))).toBe(110);
    const light = [0, [0, ...nops(320), END]] as const;
    const calls = [0, [0, ...heavy, 0x10, 1, 0x10, 1, END]] as const;
    expect(priceOf(oneFunction([], { functions: [calls, light] }))).toBe(100 + 2 * 20);
    expect(priceOf(oneFunction([], { functions: [light] }))).toBe(0);
  });

  /** `if (which) { 3,200 } else { 1,600 }` and 800 behind it. */
  const twoArms = (which: number) => [0x41, which, 0x04, none, ...nops(3_200), 0x05, ...nops(1_600), END, ...nops(800)];

  test("of a long arm is paid by who goes into it, and of no other", () => {
    expect(priceOf(oneFunction(twoArms(1)))).toBe(200 + 50);
    expect(priceOf(oneFunction(twoArms(0)))).toBe(100 + 50);
    /** What a `switch` becomes: blocks in each other, and behind the end of each what it is for. */
    const cases = (which: number) => [
      ...[0x02, none, 0x02, none, 0x02, none, 0x41, which, 0x0e, 2, 0, 1, 2, END],
      ...[...nops(1_600), 0x0c, 1, END, ...nops(3_200), END, ...nops(800)],
    ];
    expect([0, 1, 2].map((which) => priceOf(oneFunction(cases(which))))).toEqual([150, 250, 50]);
  });

  test("of an arm in an arm, of one that is left early and of a loop around it is paid each time", () => {
    const inner = (which: number) => [0x41, 1, 0x04, none, ...nops(160), ...twoArms(which), END];
    expect(priceOf(oneFunction(inner(1)))).toBe(260);
    expect(priceOf(oneFunction(inner(0)))).toBe(160);
    const left = [0x02, none, 0x41, 1, 0x04, none, ...nops(1_600), 0x0c, 1, ...nops(3_200), END, ...nops(4_800), END];
    expect(priceOf(oneFunction(left))).toBe(100 + 300);
    const counting = [0x20, 0, 0x41, 1, 0x6a, 0x22, 0, 0x41, 10, 0x49, 0x0d, 0];
    const body = [1, 1, i32, 0x03, none, ...twoArms(1), ...counting, END, END];
    expect(priceOf(oneFunction([], { functions: [[0, body]] }))).toBe(10 * 200 + 10 * 51);
    const back = [0x41, 1, 0x04, none, ...nops(1_600), ...counting.slice(0, -1), 1, END];
    expect(priceOf(oneFunction([], { functions: [[0, [1, 1, i32, 0x03, none, ...back, END, END]]] }))).toBe(
      10 * 101 + 9,
    );
  });

  test("of a round is its longest way, inner loops gone through once and light functions in it", () => {
    /** Ten rounds, each with eight instructions of its own. */
    const of = (code: readonly number[]) => {
      const counting = [0x20, 0, 0x41, 1, 0x6a, 0x22, 0, 0x41, 10, 0x49, 0x0d, 0];
      const body = [1, 1, i32, 0x03, none, ...code, ...counting, END, END];
      const light = [0, ...nops(310), END];
      return priceOf(
        oneFunction([], {
          functions: [
            [0, body],
            [0, light],
          ],
        }),
      );
    };
    expect(of(nops(152))).toBe(9 * 10);
    expect(of([0x41, 0, 0x04, none, ...nops(120), 0x05, ...nops(30), END])).toBe(9 * 8);
    expect(of([0x03, none, ...nops(152), END])).toBe(9 * 10);
    expect(of([0x10, 1])).toBe(9 * 20);
  });

  test("of a call through the table is that of a short function, and a longer one in it pays for itself", () => {
    const table = { id: SECTION.table, content: Uint8Array.of(1, 0x70, 0, 1) } as const;
    const element = { id: SECTION.element, content: Uint8Array.of(1, 0, 0x41, 0, END, 1, 1) } as const;
    const calls = Array.from({ length: 10 }, () => [0x41, 0, 0x11, 0, 0]).flat();
    const calling = (called: number) =>
      oneFunction([], {
        functions: [
          [0, [0, ...calls, END]],
          [0, [0, ...nops(called), END]],
        ],
        more: [table, element],
      });
    const own = Math.round((10 * 52) / 16);
    expect(priceOf(calling(40))).toBe(own);
    expect(priceOf(calling(159))).toBe(own + 10 * 10);
  });

  test("counts a division of whole numbers as the many instructions that it takes", () => {
    const dividing = (divisions: number) => {
      const one = [0x42, 7, 0x42, 3, 0x80, 0x1a]; // i64.div_u
      return priceOf(oneFunction(Array.from({ length: divisions }, () => one).flat()));
    };
    expect(dividing(16)).toBeGreaterThanOrEqual(16 * 6);
    expect(dividing(32)).toBeGreaterThan(1.9 * dividing(16));
  });

  test("of work outside is taken from the same fuel, and never fills it up by running over", () => {
    const fuel = fuelOf(metered(countDown));
    fuel.fill(10);
    fuel.charge(9.5);
    expect(fuel.left()).toBe(0);
    expect(() => fuel.charge(5e12)).toThrow(OutOfFuel);
    expect(fuel.left()).toBeLessThan(0);
  });
});
