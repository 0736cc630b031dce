/**
 * HTTP/1.1 as bytes: for requests that no client library would send. One request per connection; resolves with the status
 * line's code (0 when the server hung up without one) and everything it sent.
 */
import { connect } from "node:net";

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

export function sendRaw(port: number, bytes: string | Uint8Array, deadlineMs = 30_000): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.setTimeout(deadlineMs, () => socket.destroy(new Error(`no answer within ${deadlineMs} ms`)));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      if (isWholeRefusal(Buffer.concat(chunks))) socket.end();
    });
    socket.on("error", (error) => (chunks.length > 0 ? finish() : reject(error)));
    socket.on("close", finish);
    function finish(): void {
      const text = Buffer.concat(chunks).toString("latin1");
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0);
      resolve({ status, text });
    }
  });
}

/** As a client does that has its answer: Envoy waits a second for it. What passed is waited for until the server closes. */
function isWholeRefusal(bytes: Buffer): boolean {
  const [, head = "", status = "0", length = ""] =
    /^(HTTP\/1\.1 (\d{3})[^]*?\r\ncontent-length: (\d+)\r\n(?:[^]*?\r\n)?\r\n)/i.exec(bytes.toString("latin1")) ?? [];
  return Number(status) >= 400 && length !== "" && bytes.length >= head.length + Number(length);
}

/** A request with these header lines as they are, `connection: close`, and the body's length unless lines name one. */
export function rawRequest(
  method: string,
  target: string,
  headerLines: readonly string[],
  body: Uint8Array = Buffer.alloc(0),
): Buffer {
  const framed = headerLines.some((line) => /^(content-length|transfer-encoding):/i.test(line));
  const length = framed || body.length === 0 ? [] : [`content-length: ${body.length}`];
  const head = [`${method} ${target} HTTP/1.1`, "host: orders.example", "connection: close", ...length, ...headerLines];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}
