/** The story's stage on the real parts: Envoy, Kafka and PostgreSQL, every service a process. */
import type { System } from "../../test/harness/system.ts";
import { WEBHOOK_SECRET } from "../../test/harness/system/approval.ts";
import { createCall } from "../../platform/programs/client.ts";
import { readSigned } from "../one-machine/signed-notice.ts";
import type { Stage } from "./stage.ts";
import { runVerify } from "./verify.ts";

export function realStage(system: System): Stage {
  const [decision] = system.decisions;
  if (decision === undefined) throw new Error("a system without a decision service");
  return {
    as: (user) => system.as(user),
    orders: createCall(system.orders.url, undefined),
    notified: () => system.notified.map(({ headers, body }) => readSigned(headers, body, WEBHOOK_SECRET)),
    approval: system.approval,
    decision,
    database: system.database,
    verifyTopic: () => runVerify(["--brokers", system.kafka.brokers.join(",")]),
  };
}
