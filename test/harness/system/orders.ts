/** The sample orders API as a process. What got through is asked of it directly, not by way of the proxy. */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { JournalEntry } from "../../../sample/orders-api/journal.ts";
import type { Order, Refund } from "../../../sample/orders-api/order-book.ts";
import { freePort } from "../free-port.ts";
import { createProgram, type Program } from "./program.ts";

const OrNull = Type.Union([Type.String(), Type.Null()]);
const journal = Compile(
  Type.Array(
    Type.Object({
      ...{ number: Type.Integer(), at: Type.String(), method: Type.String(), path: Type.String() },
      ...{ status: Type.Integer(), issuer: OrNull, subject: OrNull, decisionId: OrNull, grantId: OrNull },
    }),
  ),
);
const book = Compile(
  Type.Object({
    orders: Type.Array(Type.Object({ id: Type.String(), item: Type.String() })),
    refunds: Type.Array(Type.Object({ order: Type.String(), amount: Type.Number(), by: OrNull })),
  }),
);

export type Orders = Program & {
  readonly port: number;
  /** For what else a test has to set up there: `POST /orders` is open to whoever reaches it. */
  readonly url: string;
  readonly book: () => Promise<{ readonly orders: readonly Order[]; readonly refunds: readonly Refund[] }>;
  /** Every call that arrived, from the entry numbered after `after`. Asking leaves no entry. */
  readonly journal: (after?: number) => Promise<readonly JournalEntry[]>;
};

export async function createOrders({ folder }: { readonly folder: string }): Promise<Orders> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const ask = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`)).json();
  const program = createProgram({
    name: "orders",
    main: "sample/orders-api/main.ts",
    config: { listen: { port } },
    readyUrl: `${url}/healthz`,
    folder,
  });
  return {
    ...program,
    port,
    url,
    book: async () => book.Parse(await ask("/book")),
    journal: async (after = 0) => journal.Parse(await ask(`/journal?after=${after}`)),
  };
}
