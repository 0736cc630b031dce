/** Configuration of the sample orders API: a file, or variables that begin with `ORDERS_`. Everything has a default. */
import { type Static, Type } from "typebox";
import { configFromCommandLine, type Started } from "../../platform/config/command-line.ts";
import type { ConfigFault } from "../../platform/config/fault.ts";
import { closed } from "../../platform/config/fields.ts";
import { isLoopback } from "../../platform/config/tls-rules.ts";

const OrdersConfigSchema = Type.Object(
  {
    listen: Type.Object(
      {
        host: Type.String({ default: "127.0.0.1" }),
        port: Type.Integer({ minimum: 0, maximum: 65_535, default: 8081 }),
        behindProxy: Type.Boolean({ default: false, description: "Only the proxy reaches `host`, whatever it is." }),
      },
      closed,
    ),
    orders: Type.Array(Type.Object({ id: Type.String(), item: Type.String() }, closed), {
      default: [
        { id: "7", item: "kettle" },
        { id: "42", item: "lamp" },
        { id: "43", item: "chair" },
      ],
    }),
  },
  closed,
);

type OrdersConfig = Static<typeof OrdersConfigSchema>;

export function readConfig(args: readonly string[]): Promise<Started<OrdersConfig>> {
  return configFromCommandLine({
    args,
    schema: OrdersConfigSchema,
    env: process.env,
    prefix: "ORDERS_",
    rules: [reachable],
  });
}

/** NB: whoever reaches this API directly can be anybody, by a header (caller.ts). */
function reachable({ listen }: OrdersConfig): readonly ConfigFault[] {
  if (isLoopback(listen.host) || listen.behindProxy) return [];
  const problem = "is not loopback; set listen.behindProxy if only the proxy can reach it there";
  return [{ key: "listen.host", variable: "ORDERS_LISTEN_HOST", problem }];
}
