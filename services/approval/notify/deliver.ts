/**
 * One attempt to deliver one notification: a POST to the checked address over a connection of its own. Only 2xx counts as delivered. Redirects
 * are not followed (a redirect would choose the target after the check), the response body is not read, and one deadline covers resolving,
 * connecting, writing and the status line.
 */
import { type ClientRequest, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import type { WebhookKey } from "./signature.ts";
import type { TargetCheck } from "./target-address.ts";

export type Notification = {
  readonly id: string;
  readonly body: string;
  /** Sent to the receiver, whose spans may be its children. */
  readonly traceparent?: string | undefined;
};

export type Delivery =
  | { readonly kind: "delivered" }
  /** `reason` is low in cardinality and holds nothing of the answer but its status. */
  | { readonly kind: "failed"; readonly reason: string };

/** Never rejects. `now` in seconds since 1970 is what the signature says. */
export type Deliver = (notification: Notification, nowSeconds: number, signal: AbortSignal) => Promise<Delivery>;

export interface DeliverOptions {
  readonly url: URL;
  readonly timeoutMs?: number;
  /** PEM of the authority that signed the target's certificate, when it is not one of the system's. */
  readonly ca?: string;
}

export function createDeliver(
  { checkTarget, key }: { readonly checkTarget: TargetCheck; readonly key: WebhookKey },
  { url, timeoutMs = 10_000, ca }: DeliverOptions,
): Deliver {
  const host = url.hostname.replace(/^\[|\]$/g, "");

  return async (notification, nowSeconds, stop) => {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]);
    try {
      const target = await beforeAbort(checkTarget(url), signal);
      if (target.kind === "refused") return { kind: "failed", reason: target.reason };
      const body = Buffer.from(notification.body, "utf8");
      const settings: RequestOptions = {
        host: target.address,
        port: url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port,
        path: `${url.pathname}${url.search}`,
        method: "POST",
        agent: false,
        setHost: false,
        signal,
        headers: {
          host: url.host,
          "content-type": "application/json",
          "content-length": body.length,
          "user-agent": "countersign-webhook/1",
          ...(notification.traceparent === undefined ? {} : { traceparent: notification.traceparent }),
          "webhook-id": notification.id,
          "webhook-timestamp": String(nowSeconds),
          "webhook-signature": key.sign(notification.id, nowSeconds, notification.body),
        },
      };
      const sent =
        url.protocol === "https:"
          ? requestHttps({ ...settings, servername: isIP(host) === 0 ? host : "", ...(ca === undefined ? {} : { ca }) })
          : requestHttp(settings);
      const status = await statusOf(sent, body);
      if (status >= 200 && status < 300) return { kind: "delivered" };
      return { kind: "failed", reason: `status_${status}` };
    } catch {
      return { kind: "failed", reason: signal.aborted ? "timeout" : "connection" };
    }
  };
}

/** The status of the answer; the connection is dropped at once, so its body costs nothing however long it is. */
function statusOf(request: ClientRequest, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response) => {
      resolve(response.statusCode ?? 0);
      response.on("error", () => {});
      request.destroy();
    });
    request.end(body);
  });
}

function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
