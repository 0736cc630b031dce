/** Bodies pass the gateway as they come, and whoever breaks off is noticed on the other side. */
import { once } from "node:events";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type RunningGateway, startGatewayProcess } from "../../harness/gateway.ts";
import { listening } from "../../harness/listening.ts";
import { rawRequest, sendRaw } from "../../harness/raw-http.ts";
import { type RecordingAuthorization, startRecordingAuthorization } from "../../harness/recording-authorization.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";

const DEADLINE_MS = 30_000;

let authorization: RecordingAuthorization;

beforeAll(async () => {
  authorization = await startRecordingAuthorization();
});

afterAll(async () => {
  await authorization?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  authorization.seen.length = 0;
  authorization.respond = undefined;
});

describe("bodies are streamed", () => {
  /** A gateway with one streaming route in front of an HTTP server. */
  async function withUpstream(
    handler: (request: IncomingMessage, response: ServerResponse) => void,
    run: (port: number, own: RunningGateway) => Promise<void>,
  ) {
    const server = createHttpServer(handler);
    const settings = { routes: [{ prefix: "/", body: "streamed" }], drainMs: 25_000 };
    const target = { authorization: authorization.port, upstream: await listening(server), settings };
    const own = await startGatewayProcess(target);
    try {
      await run(own.port, own);
    } finally {
      await own[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
    }
  }

  test("up and down: each part arrives before the next is sent", async () => {
    await withUpstream(
      (request, response) => request.pipe(response),
      async (port) => {
        const call = httpRequest({ port, host: "127.0.0.1", method: "POST", path: "/echo" });
        call.write("part 0,");
        const [response] = await responseTo(call);
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString();
        });
        for (const part of [1, 2, 3]) {
          await waitUntil(`part ${part - 1}`, DEADLINE_MS, () => text.endsWith(`part ${part - 1},`));
          call.write(`part ${part},`);
        }
        call.end();
        await once(response, "end");
        expect(text).toBe("part 0,part 1,part 2,part 3,");
      },
    );
  });

  test("a client that breaks off in its body is a broken body for the upstream, and the next one is served", async () => {
    const ends: string[] = [];
    let arrived = 0;
    await withUpstream(
      (request, response) => {
        arrived += 1;
        request.resume();
        request.on("end", () => void ends.push("whole"));
        request.on("error", () => void ends.push("broken"));
        request.on("end", () => response.end("done"));
      },
      async (port) => {
        for (const lines of ["transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", "content-length: 10\r\n\r\nabc"]) {
          ends.length = 0;
          const before = arrived;
          const socket = connect(port, "127.0.0.1");
          socket.write(`POST /x HTTP/1.1\r\nhost: a\r\n${lines}`);
          await waitUntil("the request at the upstream", DEADLINE_MS, () => arrived > before);
          socket.destroy();
          await waitUntil("the upstream to notice", DEADLINE_MS, () => ends.length > 0);
          expect(ends).toEqual(["broken"]);
        }
        expect((await sendRaw(port, rawRequest("POST", "/x", [], Buffer.from("x")))).status).toBe(200);
      },
    );
  });

  test("a client that leaves while the decision is made gets nothing done", async () => {
    const targets: string[] = [];
    await withUpstream(
      (request, response) => {
        targets.push(request.url ?? "");
        response.end("done");
      },
      async (port) => {
        authorization.respond = { kind: "silence" };
        const socket = connect(port, "127.0.0.1");
        socket.write(rawRequest("DELETE", "/orders/42", []));
        await waitUntil("the question", DEADLINE_MS, () => authorization.seen.length > 0);
        socket.destroy();
        authorization.respond = undefined;
        expect((await sendRaw(port, rawRequest("GET", "/the-next", []))).status).toBe(200);
        expect(targets).toEqual(["/the-next"]);
      },
    );
  });

  test("what is under way when it is told to end is finished, and a connection that stays open does not hold it up", async () => {
    let finish: (() => void) | undefined;
    await withUpstream(
      (_request, response) => {
        finish = () => response.end("done");
      },
      async (port, own) => {
        const socket = connect(port, "127.0.0.1");
        let text = "";
        socket.on("data", (chunk) => {
          text += chunk.toString();
        });
        socket.write("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
        await waitUntil("the request at the upstream", DEADLINE_MS, () => finish !== undefined);
        const ended = own.stop();
        await waitUntil("the gateway to stop listening", DEADLINE_MS, () =>
          own.lines.some((line) => line.includes("stopping")),
        );
        finish?.();
        expect(await ended).toBe(0);
        expect(text).toMatch(/^HTTP\/1\.1 200 OK[^]*done/);
        socket.destroy();
      },
    );
  });
});

function responseTo(call: ReturnType<typeof httpRequest>): Promise<[IncomingMessage]> {
  return new Promise((resolve, reject) => {
    call.once("error", reject);
    call.once("response", (response) => resolve([response]));
  });
}
