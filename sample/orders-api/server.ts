/**
 * The sample orders API over HTTP: an upstream as it might stand behind any proxy, with the routes that the sample policies speak of
 * (rego/countersign/policies). It decides nothing itself and does whatever reaches it, so its state shows what was let through. That is why
 * it can also do what no policy ever allows, such as replacing an order: a refusal of something impossible would prove nothing.
 *
 * `/journal`, `/book` and `/healthz` are for whoever runs it: no policy allows them through the proxy, and looking leaves no trace.
 */
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from "@fastify/type-provider-typebox";
import fastify from "fastify";
import { Type } from "typebox";
import { callerOf } from "./caller.ts";
import type { createJournal } from "./journal.ts";
import type { OrderBook } from "./order-book.ts";

const UNJOURNALED = new Set(["/journal", "/book", "/healthz"]);
const closed = { additionalProperties: false } as const;
const Id = Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" });
const Item = Type.String({ minLength: 1, maxLength: 200 });
const ById = { params: Type.Object({ id: Id }) };
const noSuchOrder = { error: "there is no such order" };

export interface OrdersApi extends AsyncDisposable {
  readonly port: number;
}

/** Listens; port 0 takes a free one. Rejects when the port is not to be had. */
export async function startOrdersApi(
  {
    book,
    journal,
    now,
  }: {
    readonly book: OrderBook;
    readonly journal: ReturnType<typeof createJournal>;
    /** Milliseconds since 1970. */
    readonly now: () => number;
  },
  { host, port }: { readonly host: string; readonly port: number },
): Promise<OrdersApi> {
  const server = fastify({ bodyLimit: 65_536, forceCloseConnections: true })
    .withTypeProvider<TypeBoxTypeProvider>()
    // Not fastify's own: it would take the text "40" for the number 40, which the policy has seen otherwise.
    .setValidatorCompiler(TypeBoxValidatorCompiler);

  // Before the answer leaves, so that whoever has the answer finds the entry.
  server.addHook("onSend", async (request, { statusCode }) => {
    const { method, url, headers, routeOptions } = request;
    if (UNJOURNALED.has(routeOptions.url ?? "")) return;
    const [path = ""] = url.split("?");
    journal.add({ at: new Date(now()).toISOString(), method, path, status: statusCode, ...callerOf(headers) });
  });

  server.get("/orders", async () => book.orders());
  server.get(
    "/orders/:id",
    { schema: ById },
    async ({ params }, reply) => book.order(params.id) ?? reply.code(404).send(noSuchOrder),
  );
  server.post("/orders", { schema: { body: Type.Object({ id: Id, item: Item }, closed) } }, async ({ body }, reply) =>
    book.add(body) ? reply.code(201).send(body) : reply.code(409).send({ error: "there is such an order already" }),
  );
  server.put(
    "/orders/:id",
    { schema: { ...ById, body: Type.Object({ item: Item }, closed) } },
    async ({ params, body }, reply) => {
      const order = { id: params.id, item: body.item };
      return book.replace(order) ? order : reply.code(404).send(noSuchOrder);
    },
  );
  server.delete("/orders/:id", { schema: ById }, async ({ params }, reply) =>
    book.remove(params.id) ? { deleted: params.id } : reply.code(404).send(noSuchOrder),
  );

  server.get("/refunds", async () => book.refunds());
  const Refund = Type.Object({ order: Type.Union([Id, Type.Integer({ minimum: 0 })]), amount: Type.Number() }, closed);
  server.post("/refunds", { schema: { body: Refund } }, async ({ body, headers }, reply) => {
    const { order, amount } = body;
    const outcome = book.refund({ order: String(order), amount, by: callerOf(headers).subject });
    switch (outcome.kind) {
      case "paid":
        return reply.code(201).send(outcome.refund);
      case "no-such-order":
        return reply.code(404).send(noSuchOrder);
      case "bad-amount":
        return reply.code(422).send({ error: "the amount is not a whole number above zero" });
      default:
        throw new Error(`unknown outcome: ${String(outcome satisfies never)}`);
    }
  });

  server.get("/reports/totals", async () => ({
    orders: book.orders().length,
    refunded: book.refunds().reduce((sum, { amount }) => sum + amount, 0),
  }));
  const wholeBook = async () => ({ orders: book.orders(), refunds: book.refunds() });
  server.get("/admin/book", wholeBook);

  const After = Type.Object({ after: Type.Optional(Type.Integer({ minimum: 0 })) });
  server.get("/journal", { schema: { querystring: After } }, async ({ query }) => journal.after(query.after ?? 0));
  server.get("/book", wholeBook);
  server.get("/healthz", async () => ({ status: "ok" }));

  await server.listen({ host, port });
  const address = server.server.address();
  if (typeof address !== "object" || address === null) throw new Error("the orders API has no port");
  return { port: address.port, [Symbol.asyncDispose]: () => server.close() };
}
