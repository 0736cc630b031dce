/** The story's stage on the real parts: Envoy, Kafka and PostgreSQL, every service a process. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { execFile } from "node:child_process";
import { join } from "node:path";
import type { System } from "../../test/harness/system.ts";
import { WEBHOOK_SECRET } from "../../test/harness/system/approval.ts";
import { createCall } from "../../test/harness/system/client.ts";
import type { Stage } from "./stage.ts";

const VERIFY = join(import.meta.dirname, "..", "..", "cli", "verify.ts");

export function realStage(system: System): Stage {
  const [decision] = system.decisions;
  if (decision === undefined) throw new Error("a system without a decision service");
  return {
    as: (user) => system.as(user),
    orders: createCall(system.orders.url, undefined),
    notified: () => system.notified.map(verified),
    approval: system.approval,
    decision,
    database: system.database,
    verifyTopic: () =>
      new Promise((resolve) => {
        const args = [VERIFY, "--brokers", system.kafka.brokers.join(",")];
        execFile(process.execPath, args, (error, stdout, stderr) => {
          resolve({
            exitCode: typeof error?.code === "number" ? error.code : error === null ? 0 : 1,
            text: stdout + stderr,
          });
        });
      }),
  };
}

/** The body of a notification, as a receiver takes it (Standard Webhooks 1.0). @throws when it is not signed as it should be. */
function verified({ headers, body }: System["notified"][number]): unknown {
  const [id, timestamp, signature] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) =>
    String(headers[name]),
  );
  const key = Buffer.from(WEBHOOK_SECRET.slice("whsec_".length), "base64");
  const expected = createHmac("sha256", key)
    .update(`${id}.${timestamp}.${body.toString("utf8")}`)
    .digest();
  const sent = Buffer.from((signature ?? "").replace(/^v1,/, ""), "base64");
  if (sent.length !== expected.length || !timingSafeEqual(sent, expected))
    throw new Error("a webhook without signature");
  const parsed: unknown = JSON.parse(body.toString("utf8"));
  return parsed;
}
