/** That a wrong price is found, and a machine that stops a run now and then is not taken for one. */
import { expect, test } from "@jest/globals";
import { growthOf, type PaidCall } from "./growth.ts";

const MARGIN = 2;
const [SMALL, LARGE] = ["x".repeat(400), "x".repeat(1_600)];

/** Is paid by the length of its arguments. */
const paidByLength =
  (steps: (length: number) => number): PaidCall =>
  (args) =>
  () => {
    work(steps(args.length));
    return args.length;
  };

/** What nobody can leave out. */
let kept = 0;
function work(steps: number): void {
  for (let step = 0; step < steps; step += 1) kept = (kept * 31 + step) % 1_000_003;
}

const growth = (call: PaidCall) => growthOf(call, SMALL, LARGE, MARGIN);

test("work by the square that is paid by the length is found; such by the length is none", () => {
  const square = growth(paidByLength((length) => length * length));
  expect(square.time).toBeGreaterThan(MARGIN * square.paid);
  const linear = growth(paidByLength((length) => 200 * length));
  expect(linear.time).toBeLessThan(MARGIN * linear.paid);
});

test("of a machine that takes its time away in most of the rounds only the others count", () => {
  let runs = 0;
  const call = paidByLength((length) => {
    runs += 1;
    return 200 * length * (length === LARGE.length && runs % 4 !== 0 ? 20 : 1);
  });
  const { time, paid } = growth(call);
  expect(time).toBeLessThan(MARGIN * paid);
});
