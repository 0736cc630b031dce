/** One JSON call over TLS on a connection of its own, with one authority believed, which `fetch` cannot do. */
import { once } from "node:events";
import { request } from "node:https";
import { text } from "node:stream/consumers";

type Sent = { readonly ca: Buffer; readonly token: string; readonly body?: unknown };

/** `url`: whole, as it was published. Rejects when there is no answer, or none that is JSON. */
export async function callOverTls(
  method: "GET" | "POST",
  url: string,
  { ca, token, body }: Sent,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const sent = request(url, { method, ca, agent: false, headers });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = await once(sent, "response");
  const json: unknown = JSON.parse(await text(response));
  return { status: Number(response.statusCode), body: json };
}
