/** Stands in for one webhook delivery: crash points before it is sent and after it was taken, which is before it is marked. */
import * as real from "../../../services/approval/notify/deliver.ts";
import type { Deliver } from "../../../services/approval/notify/deliver.ts";
import { reach } from "./reach.ts";

export * from "../../../services/approval/notify/deliver.ts";

export function createDeliver(...args: Parameters<typeof real.createDeliver>): Deliver {
  const deliver = real.createDeliver(...args);
  return async (...call) => {
    reach("webhook before send");
    const delivery = await deliver(...call);
    if (delivery.kind === "delivered") reach("webhook after send");
    return delivery;
  };
}
