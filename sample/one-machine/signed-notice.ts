/** How a receiver takes a notification: only with the right signature (Standard Webhooks 1.0: HMAC-SHA256 over id, time, body). */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** The JSON of the body. @throws when it is not signed with `secret`. */
export function readSigned(headers: IncomingHttpHeaders, body: Buffer, secret: string): unknown {
  const [id, timestamp, signature] = ["id", "timestamp", "signature"].map((name) => String(headers[`webhook-${name}`]));
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  const sent = Buffer.from((signature ?? "").replace(/^v1,/, ""), "base64");
  if (sent.length !== expected.length || !timingSafeEqual(sent, expected)) {
    throw new Error("a notification whose signature is not ours");
  }
  const parsed: unknown = JSON.parse(body.toString("utf8"));
  return parsed;
}
