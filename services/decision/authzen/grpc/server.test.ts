/** What DecisionService knows of its callers, on either server: every credential that was sent, and the names of a certificate that was verified. */
import { once } from "node:events";
import http2 from "node:http2";
import { connect } from "node:net";
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { ServerTls } from "../../../../platform/config/pem-files.ts";
import { createMetrics } from "../../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../../platform/programs/wait-until.ts";
import { DecisionServiceClient, DecisionServiceService, Mode } from "../../../../proto/gen/countersign/v1/decision.ts";
import { createAuthority } from "../../../../test/harness/certificates.ts";
import { frame, sendFrames } from "../../../../test/harness/grpc-frames.ts";
import { askingBy, CALLERS } from "../../../../test/samples/asking.ts";
import { DENIED_BY_API, LEFT } from "../../../../test/samples/evaluation.ts";
import type { ApiCallers } from "../../api/ports.ts";
import { startDecisionServer } from "./server.ts";

type Shown = { readonly authorization: readonly string[]; readonly names: readonly string[] };

const NAME = "spiffe://example.org/asker";
const QUESTION = {
  subject: { type: "user", id: "dana", properties: undefined },
  action: { name: "read", properties: undefined },
  resource: { type: "file", id: "f1", properties: undefined },
  ...{ context: undefined, mode: Mode.MODE_ASK },
};

const owned: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of owned.splice(0).toReversed()) await end();
});

async function start(grpcReflection: boolean, tls?: ServerTls) {
  const shown: Shown[] = [];
  const faults: unknown[] = [];
  const callers: ApiCallers = {
    ...CALLERS,
    async authenticate(one, isLate) {
      shown.push({ authorization: one.authorization, names: one.certificateNames() });
      if (one.authorization[0] === "unknown") return { kind: "refused", reason: "credential_malformed" };
      return CALLERS.authenticate(one, isLate);
    },
  };
  const server = await startDecisionServer(
    {
      asking: askingBy(async () => DENIED_BY_API, callers),
      callers,
      ...{
        pause: async () => {},
        newDeadline: () => LEFT,
        monotonicMs: () => performance.now(),
        wallMs: () => Date.now(),
      },
      ...{ faults: { report: (error) => faults.push(error) }, metrics: createMetrics({ prefix: "t_" }) },
    },
    {
      ...{ host: "127.0.0.1", port: 0, tls, maxMessageBytes: 4_096, maxInFlight: 4, deadlineMs: 450, maxBatch: 3 },
      ...{ grpcReflection, drainMs: 500 },
    },
  );
  owned.push(() => server[Symbol.asyncDispose]());
  return { port: server.port, shown, faults };
}

function evaluate(port: number, metadata: Metadata, channel = credentials.createInsecure()): Promise<status> {
  const client = new DecisionServiceClient(`localhost:${port}`, channel);
  owned.push(() => client.close());
  return new Promise((resolve) => {
    client.evaluate(QUESTION, metadata, { deadline: Date.now() + 30_000 }, (error: ServiceError | null) =>
      resolve(error === null ? status.OK : error.code),
    );
  });
}

/** HTTP/2 frames by hand: no client sends a header of which there is to be one twice. */
function twoCredentials(): Buffer {
  const h2 = (type: number, flags: number, stream: number, payload: Buffer) => {
    const head = Buffer.from([0, payload.length >> 8, payload.length & 255, type, flags, 0, 0, 0, stream]);
    return Buffer.concat([head, payload]);
  };
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const field = (name: string, value: string) => Buffer.concat([Buffer.from([0]), text(name), text(value)]);
  const headers = Buffer.concat([
    ...[field(":method", "POST"), field(":scheme", "http"), field(":path", DecisionServiceService.evaluate.path)],
    ...[field(":authority", "x"), field("content-type", "application/grpc"), field("te", "trailers")],
    ...[field("authorization", "Bearer a"), field("authorization", "Bearer b")],
  ]);
  const message = frame(DecisionServiceService.evaluate.requestSerialize(QUESTION));
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  return Buffer.concat([preface, h2(4, 0, 0, Buffer.alloc(0)), h2(1, 4, 1, headers), h2(0, 1, 1, message)]);
}

test("both of two credentials are seen, and no certificate where there is none", async () => {
  const { port, shown } = await start(false);
  const socket = connect(port, "127.0.0.1");
  owned.push(() => socket.destroy());
  await once(socket, "connect");
  socket.write(twoCredentials());
  await waitUntil("the call", 30_000, () => shown.length === 1);
  expect(shown[0]?.names).toEqual([]);
  expect(shown[0]?.authorization).toEqual(["Bearer a", "Bearer b"]);
});

test("a message that does not come to its end is not waited for when its caller is not known", async () => {
  const { port } = await start(false);
  const session = http2.connect(`http://localhost:${port}`).on("error", () => {});
  owned.push(() => session.destroy());
  const { path } = DecisionServiceService.evaluate;
  const head = { ":method": "POST", ":path": path, "content-type": "application/grpc", authorization: "unknown" };
  const stream = session.request(head).on("error", () => {});
  stream.resume().write(Buffer.alloc(3));
  const [headers] = await once(stream, "response");
  expect(headers["grpc-status"]).toBe(String(status.UNAUTHENTICATED));
});

describe.each([
  ["on node:http2", false],
  ["with reflection", true],
])("%s", (_which, reflects) => {
  test("a certificate is known by its names where it was verified, and nobody is served without", async () => {
    const [ours, theirs] = [await createAuthority("ours"), await createAuthority("theirs")];
    const pair = await ours.issue({ name: "decision", use: "server" });
    const { port, shown } = await start(reflects, { ...pair, clientCa: ours.ca });
    const metadata = new Metadata();
    for (const authority of [undefined, theirs]) {
      const own = await authority?.issue({ name: "asker", use: "client", uris: [NAME] });
      const channel = own ? credentials.createSsl(ours.ca, own.key, own.cert) : credentials.createSsl(ours.ca);
      expect(await evaluate(port, metadata, channel)).not.toBe(status.OK);
    }
    expect(shown).toEqual([]);
    const { key, cert } = await ours.issue({ name: "asker", use: "client", uris: [NAME] });
    expect(await evaluate(port, metadata, credentials.createSsl(ours.ca, key, cert))).toBe(status.OK);
    expect(shown[0]?.authorization).toEqual([]);
    expect(shown[0]?.names).toContain(`URI:${NAME}`);
  });

  test("what is no message is INTERNAL and no fault of ours", async () => {
    const { port, faults } = await start(reflects);
    const { path } = DecisionServiceService.evaluate;
    const answer = await sendFrames(port, { path, body: frame(Buffer.from([0x0a, 0xff])) });
    expect(answer.grpcStatus).toBe(String(status.INTERNAL));
    expect(faults).toEqual([]);
  });
});
