/**
 * `npm run bench -- start`: how long `npm start` takes until it is ready, and what of processors and memory. First: in a copy of the checkout in which
 * nothing was started yet, on a data folder that is not there; second: again in the same, the state that somebody works with.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyCheckout } from "../harness/checkout-copy.ts";
import { type MeasuredStart, measuredStart } from "../harness/measured-start.ts";
import { goal, median, shown, table } from "./figures.ts";
import type { Bench } from "./run-bench.ts";

/** Of a first start and of second ones. */
const ROUNDS = 3;
const SECOND_STARTS = 3;
const GOALS = { first: 10, second: 2, megabytes: 700 };

export const benchStart: Bench = async ({ rounds = ROUNDS, repeats = SECOND_STARTS }, { cores, progress }) => {
  const first: MeasuredStart[] = [];
  const second: MeasuredStart[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await using copy = await copyCheckout();
    await chmod(copy.root, 0o711); // as root PostgreSQL runs as somebody else, who has to pass
    await using owned = new AsyncDisposableStack();
    const data = await mkdtemp(join(tmpdir(), "bench-start-"));
    owned.defer(() => rm(data, { recursive: true, force: true }));
    await chmod(data, 0o711);
    const start = () => cores.onBoth(() => measuredStart(data, copy.root));
    first.push(await start());
    for (let again = 0; again < repeats; again += 1) second.push(await start());
    progress(`round ${round + 1} of ${rounds}`);
  }
  const row = (name: "first" | "second", of: readonly MeasuredStart[]) => {
    const middle = (pick: (one: MeasuredStart) => number) => median(of.map(pick));
    const [seconds, megabytes] = [middle((one) => one.seconds), middle((one) => one.megabytes)];
    return [
      ...[name, goal(seconds, seconds < GOALS[name], `< ${GOALS[name]}`), shown(middle((one) => one.cpuSeconds))],
      ...[goal(megabytes, megabytes < GOALS.megabytes, `< ${GOALS.megabytes}`), shown(middle((one) => one.processes))],
      shown(middle((one) => one.ours * 100)),
    ];
  };
  return {
    name: "start",
    title: "A start on one machine",
    text: [
      `\`npm start\` on both cores, from the call of npm until it says that it is ready; medians of ${first.length} first starts, each in a copy of the checkout in which nothing was started before, and of ${second.length} second ones there. Processor time and memory (proportional set size) are of all processes, npm and PostgreSQL included.`,
      table(
        ["start", "seconds", "CPU seconds", "MB", "processes", "% of the cores that were free for it"],
        [row("first", first), row("second", second)],
      ),
    ].join("\n\n"),
  };
};
