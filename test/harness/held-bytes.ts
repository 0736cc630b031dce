/** What a service holds when it has collected: unlike what its process takes, that grows by what is never let go of alone. */
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { say } from "../fault/say.ts";
import type { Program } from "./system/program.ts";

/** More than that for each call is a leak; leaking-checks.test.ts shows that one of 200 is seen. */
export const LEAKING_BYTES = 100;

/** To be preloaded into the service. */
export const HEAP_AFTER_GC = new URL("./heap-after-gc.ts", import.meta.url).href;

/** To be preloaded, too, into one that has to be found leaking. */
export const LEAK_PER_CALL = new URL("./leak-per-call.ts", import.meta.url).href;

/** To be preloaded, likewise, where it is connections that are made. */
export const KEEP_RECEIVED = new URL("./keep-received.ts", import.meta.url).href;

type Service = Pick<Program, "pid" | "log">;

type Rounds = { readonly warmUp: number; readonly rounds: number; readonly calls: number };

/** As `growthPerCall`, over so many `rounds` after a first one of `warmUp` calls, or connections. `run` makes that many. */
export async function growthOver(
  name: string,
  service: Service,
  { warmUp, rounds, calls }: Rounds,
  run: (count: number) => Promise<unknown>,
): Promise<number> {
  const held: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    await run(round === 0 ? warmUp : calls);
    held.push(await heldBytes(service));
  }
  const growth = growthPerCall(held, calls);
  const all = held.map((bytes) => (bytes / 1e6).toFixed(2)).join(", ");
  say(`${name}: each keeps ${growth.toFixed(0)} bytes; held after each round of ${calls}: ${all} MB`);
  return growth;
}

export async function heldBytes(service: Service): Promise<number> {
  const said = async () => [...(await service.log()).matchAll(/"event":"heap_after_gc","bytes":(\d+)/g)];
  const before = (await said()).length;
  const pid = service.pid();
  if (pid === undefined) throw new Error("the service is gone");
  process.kill(pid, "SIGUSR2");
  return Number(
    await waitUntil("the service to say what it holds", 60_000, async () => (await said()).at(before)?.[1]),
  );
}

/**
 * How much more is held for each call, from what was held after every `calls` of them: the median of the slopes between any two. One that was measured
 * in a bad moment moves it little, and what is taken early and kept not at all; the least of the differences would hide a leak that is small beside
 * how much they vary.
 */
export function growthPerCall(held: readonly number[], calls: number): number {
  const slopes = held.flatMap((later, at) =>
    held.slice(0, at).map((earlier, before) => (later - earlier) / ((at - before) * calls)),
  );
  return slopes.toSorted((one, other) => one - other)[Math.floor(slopes.length / 2)] ?? Number.NaN;
}
