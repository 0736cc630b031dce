/** Chance that can be had again: a test prints its seed, and `TEST_SEED` gives it that one the next time. */

export type Seeded = {
  readonly seed: number;
  /** A whole number from 0 to below `limit`. */
  readonly below: (limit: number) => number;
};

/** One for the process: a test that is run again meets the same. */
const drawn = Number(process.env["TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

/** mulberry32, which is enough to vary a test and nothing else. */
export function seeded(seed = drawn): Seeded {
  let state = seed >>> 0;
  return {
    seed,
    below(limit) {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
    },
  };
}
