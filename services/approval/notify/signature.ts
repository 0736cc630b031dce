/**
 * Webhook signature as in Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, so that a receiver can verify the sender, drop repetitions
 * by id, and refuse what is older than its tolerance.
 */
import { createHmac } from "node:crypto";
import { AppError } from "../../../core/domain/app-error.ts";
import { webhookKeyOf } from "../../../platform/http/webhook-secret.ts";

export type WebhookKey = { sign(id: string, timestampSeconds: number, body: string): string };

/** `secret` is `whsec_` and base64 of 24 to 64 bytes. @throws AppError invalid_configuration, without the secret in it. */
export function createWebhookKey(secret: string): WebhookKey {
  const key = webhookKeyOf(secret);
  if (key === undefined)
    throw new AppError("invalid_configuration", "webhook secret: whsec_ and base64 of 24 to 64 bytes");
  return {
    sign: (id, timestampSeconds, body) =>
      `v1,${createHmac("sha256", key).update(`${id}.${timestampSeconds}.${body}`).digest("base64")}`,
  };
}
