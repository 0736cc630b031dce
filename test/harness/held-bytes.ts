/** What a service holds when it has collected: unlike what its process takes, that grows by what is never let go of alone. */
import { waitUntil } from "../../platform/programs/wait-until.ts";
import type { Program } from "./system/program.ts";

/** To be preloaded into the service. */
export const HEAP_AFTER_GC = new URL("./heap-after-gc.ts", import.meta.url).href;

export async function heldBytes(service: Pick<Program, "pid" | "log">): Promise<number> {
  const said = async () => [...(await service.log()).matchAll(/"event":"heap_after_gc","bytes":(\d+)/g)];
  const before = (await said()).length;
  const pid = service.pid();
  if (pid === undefined) throw new Error("the service is gone");
  process.kill(pid, "SIGUSR2");
  return Number(
    await waitUntil("the service to say what it holds", 20_000, async () => (await said()).at(before)?.[1]),
  );
}
