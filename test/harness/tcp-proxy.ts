/**
 * A TCP proxy that knows just enough of the Kafka protocol to break it where it hurts: it follows request frames (length, API key) from the
 * client and can cut a connection instead of passing on the answer to a Produce, hold the answers of connections that fetch while they
 * stay open, or change a byte of an answer. Every fault is counted: a test whose fault never happened proves nothing.
 */
import net from "node:net";

const PRODUCE = 0;
const FETCH = 1;

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Where new connections go. */
  target: number;
  /** The next `count` Produce requests reach the broker; their answers do not come back, the connection is cut. */
  cutProduceAnswers(count: number): void;
  /** Connections that have fetched so far stay open and hear nothing more. New ones work, unless `alsoLater`. */
  muteFetchers(options?: { readonly alsoLater: boolean }): void;
  /** The last byte of this text arrives with one bit changed, in every answer that holds it (and was sent as one piece), until undefined. */
  damage(text: string | undefined): void;
  /** Nothing passes until `false`; open connections are cut. */
  refuse(refusing: boolean): void;
  readonly faults: { readonly cut: number; readonly muted: number; readonly refused: number; readonly damaged: number };
}

export async function startTcpProxy(): Promise<TcpProxy> {
  const links = new Set<{ client: net.Socket; broker: net.Socket; fetches: boolean; muted: boolean }>();
  const faults = { cut: 0, muted: 0, refused: 0, damaged: 0 };
  let target = 0;
  let cuts = 0;
  let refusing = false;
  let muteLater = false;
  let toDamage: string | undefined;

  const server = net.createServer((client) => {
    if (refusing) {
      faults.refused += 1;
      client.destroy();
      return;
    }
    const broker = net.connect({ host: "127.0.0.1", port: target });
    const link = { client, broker, fetches: false, muted: false };
    links.add(link);
    let cutNext = false;
    const seen = requestKeys((apiKey) => {
      if (apiKey === FETCH) {
        link.fetches = true;
        if (muteLater) link.muted = true;
      }
      if (apiKey === PRODUCE && cuts > 0) {
        cuts -= 1;
        cutNext = true;
      }
    });
    client.on("data", (bytes) => {
      seen(bytes);
      broker.write(bytes);
    });
    broker.on("data", (bytes) => {
      if (link.muted) return;
      if (cutNext) {
        faults.cut += 1;
        client.destroy();
        broker.destroy();
      } else {
        const at = toDamage === undefined ? -1 : bytes.indexOf(toDamage);
        if (toDamage !== undefined && at >= 0) {
          const last = at + Buffer.byteLength(toDamage) - 1;
          bytes.writeUInt8(bytes.readUInt8(last) ^ 1, last);
          faults.damaged += 1;
        }
        client.write(bytes);
      }
    });
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      one.on("error", () => {});
      one.on("close", () => {
        links.delete(link);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("proxy has no port");

  const drop = () => {
    for (const { client, broker } of links) {
      client.destroy();
      broker.destroy();
    }
  };
  return {
    port: address.port,
    get target() {
      return target;
    },
    set target(port) {
      target = port;
    },
    cutProduceAnswers(count) {
      cuts = count;
    },
    muteFetchers({ alsoLater } = { alsoLater: false }) {
      muteLater = alsoLater;
      for (const link of links) {
        if (!link.fetches) continue;
        link.muted = true;
        faults.muted += 1;
      }
    },
    damage(text) {
      toDamage = text;
    },
    refuse(value) {
      refusing = value;
      if (value) drop();
    },
    faults,
    async [Symbol.asyncDispose]() {
      drop();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Feeds on a client's bytes and calls back with the API key of each request, however the bytes were cut into chunks. */
function requestKeys(onKey: (apiKey: number) => void): (bytes: Buffer) => void {
  let head = Buffer.alloc(0);
  let skip = 0;
  return (bytes) => {
    let rest = bytes;
    while (rest.length > 0) {
      if (skip > 0) {
        const skipped = Math.min(skip, rest.length);
        skip -= skipped;
        rest = rest.subarray(skipped);
        continue;
      }
      const missing = 6 - head.length;
      head = Buffer.concat([head, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (head.length < 6) return;
      skip = head.readInt32BE(0) - 2;
      onKey(head.readInt16BE(4));
      head = Buffer.alloc(0);
    }
  };
}
