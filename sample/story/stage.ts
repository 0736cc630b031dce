/** What the story is played on: a running set, real or embedded, as its people and its operator see it. */
import type { Call } from "../../platform/programs/client.ts";
import type { Verified } from "./verify.ts";

export interface Stage {
  /** dana, max or sam, through the enforcer and at the approval service. */
  as(user: string): Promise<{ readonly proxy: Call; readonly approvals: Call }>;
  /** The orders API itself, past the enforcer: what it holds is what happened. */
  readonly orders: Call;
  /** Bodies of the notifications that came so far, each with a signature that was verified. */
  notified(): readonly unknown[];
  readonly approval: { kill(): Promise<void>; start(): Promise<void> };
  readonly decision: { stop(): Promise<unknown>; start(): Promise<void>; untilFresh(): Promise<void> };
  readonly database: { kill(): Promise<void>; start(): Promise<void> };
  /** What `verify` says of the audit topic. */
  verifyTopic(): Promise<Verified>;
}
