/** dana's grant for an order in the system of reload-fixture.ts, over TLS on every port: denied, asked for, approved, and then used. */
import { textAt } from "../../platform/programs/client.ts";
import { askForOrder } from "./asked-order.ts";
import type { ReloadableSystem } from "./reload-fixture.ts";

export type CountedUse = Disposable & {
  /** `allow`, or the status and reasons of a denial. */
  use(): Promise<string>;
  /** What the database has counted. */
  uses(): Promise<number>;
};

/** Resolves when the grant is there and nothing of it is used. */
export async function grantOrder(system: ReloadableSystem, order: number): Promise<CountedUse> {
  const asked = await askForOrder(system, order);
  const grantId = textAt((await asked.approveAs("max")).body, "grant", "id");

  return {
    async use() {
      const { problem } = await asked.check();
      if (problem === undefined) return "allow";
      const { status, reasons }: { status?: number; reasons?: readonly string[] } = Object(problem);
      return `${status} ${reasons?.join()}`;
    },
    async uses() {
      await using owner = system.openDatabase();
      const { rows } = await owner.query<{ uses: number }>("select uses from grants where id = $1", [grantId]);
      return rows[0]?.uses ?? Number.NaN;
    },
    [Symbol.dispose]: () => asked[Symbol.dispose](),
  };
}
