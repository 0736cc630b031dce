/** The receiver of the approval service's webhook on one machine: checks the signature and shows what approvers would be told. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";

/** The body of a notification whose signature was right. */
export type Notice = { readonly body: unknown };

export interface Notices extends AsyncDisposable {
  readonly url: string;
  readonly all: readonly Notice[];
}

export async function startNotices({
  secret,
  onNotice = () => {},
}: {
  readonly secret: string;
  readonly onNotice?: ((notice: Notice) => void) | undefined;
}): Promise<Notices> {
  const all: Notice[] = [];
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    read(request, secret).then(
      ({ id, notice }) => {
        response.writeHead(204).end();
        if (seen.has(id)) return; // deliveries may repeat
        seen.add(id);
        all.push(notice);
        onNotice(notice);
      },
      () => response.writeHead(401).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the receiver of notifications has no port");
  return {
    url: `http://127.0.0.1:${address.port}/notices`,
    all,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** @throws when it is not signed as Standard Webhooks 1.0 says. */
async function read(
  request: IncomingMessage,
  secret: string,
): Promise<{ readonly id: string; readonly notice: Notice }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const body = Buffer.concat(chunks);
  const header = (name: string) => String(request.headers[`webhook-${name}`]);
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key)
    .update(`${header("id")}.${header("timestamp")}.`)
    .update(body)
    .digest();
  const sent = Buffer.from(header("signature").replace(/^v1,/, ""), "base64");
  if (sent.length !== expected.length || !timingSafeEqual(sent, expected)) throw new Error("signature");
  const parsed: unknown = JSON.parse(body.toString("utf8"));
  return { id: header("id"), notice: { body: parsed } };
}
