/** The gateway in front of upstreams that are not there, hang, break off, or answer what no client should see. */
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createAuthority, pemFile } from "../../harness/certificates.ts";
import { freePort } from "../../harness/free-port.ts";
import { startGatewayProcess } from "../../harness/gateway.ts";
import { listening } from "../../harness/listening.ts";
import { rawRequest, sendRaw } from "../../harness/raw-http.ts";
import { type RecordingAuthorization, startRecordingAuthorization } from "../../harness/recording-authorization.ts";

let authorization: RecordingAuthorization;

beforeAll(async () => {
  authorization = await startRecordingAuthorization();
});

afterAll(async () => {
  await authorization?.[Symbol.asyncDispose]();
});

describe("upstreams that misbehave", () => {
  /** A gateway in front of a TCP server that does as the handler says; `connections` counts. */
  async function inFrontOf(
    handler: (socket: Socket) => void,
    run: (port: number, connections: () => number) => Promise<void>,
  ) {
    const sockets = new Set<Socket>();
    let connections = 0;
    const server = createTcpServer((socket) => {
      connections += 1;
      sockets.add(socket);
      socket.on("error", () => {});
      handler(socket);
    });
    const routes = [{ prefix: "/", body: "streamed", timeoutMs: 2_000 }];
    const own = await startGatewayProcess({
      authorization: authorization.port,
      upstream: await listening(server),
      settings: { routes, logLevel: "debug" },
    });
    try {
      await run(own.port, () => connections);
      expect((await fetch(`${own.opsUrl}/healthz`)).status).toBe(200);
    } finally {
      await own[Symbol.asyncDispose]();
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  }

  const get = (port: number, method = "GET", body?: Buffer) => sendRaw(port, rawRequest(method, "/x", [], body));

  test("one that is not there is 503", async () => {
    const port = await freePort();
    await using own = await startGatewayProcess({ authorization: authorization.port, upstream: port });
    expect((await get(own.port)).status).toBe(503);
    expect((await get(own.port, "POST", Buffer.alloc(200_000))).status).toBe(503);
  });

  test("one that hangs up without an answer is 503, and was asked once", async () => {
    await inFrontOf(
      (socket) => socket.once("data", () => socket.destroy()),
      async (port, connections) => {
        expect((await get(port)).status).toBe(503);
        expect((await get(port, "DELETE")).status).toBe(503);
        expect(connections()).toBe(2);
      },
    );
  });

  test("one that never answers is 504", async () => {
    await inFrontOf(
      () => {},
      async (port) => expect((await get(port)).status).toBe(504),
    );
  });

  test.each([
    ["no HTTP", "hello\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"],
    ["length and chunking", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["a protocol that nobody asked for", "HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"],
  ])("%s as an answer is not passed on", async (_, answer) => {
    await inFrontOf(
      (socket) => socket.once("data", () => socket.end(answer)),
      async (port) => {
        const { status } = await get(port);
        expect([502, 503]).toContain(status);
      },
    );
  });

  test("an answer that is cut is cut for the client as well, not shorter", async () => {
    await inFrontOf(
      (socket) =>
        socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")),
      async (port) => expect((await get(port)).text).not.toContain("0\r\n\r\n"),
    );
  });

  test("its duplicate headers, odd bytes and informational answers come through; what speaks of its connection does not", async () => {
    const answer = [
      "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 Fine",
      "Set-Cookie: a=1",
      "Set-Cookie: b=2",
      "x-latin: caf\u00e9",
      "connection: close, x-hop",
      "x-hop: 1",
      "keep-alive: timeout=5",
      "content-length: 2",
      "",
      "ok",
    ];
    await inFrontOf(
      (socket) => socket.once("data", () => socket.end(Buffer.from(answer.join("\r\n"), "latin1"))),
      async (port) => {
        const { text } = await get(port);
        expect(text).toMatch(
          /^HTTP\/1\.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx-latin: caf\u00e9\r\ncontent-length: 2\r\n/,
        );
        expect(text).not.toMatch(/x-hop|timeout=5|link/);
        expect(text).toMatch(/\r\n\r\nok$/);
      },
    );
  });
});

test("by TLS the upstream has to be who the configuration says, whatever the client calls it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "countersign-gateway-upstream-"));
  const authority = await createAuthority("ours");
  const caPath = await pemFile(folder, "ca", authority.ca);
  const hosts: string[] = [];
  const statusFrom = async (certified: string) => {
    const server = createTlsServer(await authority.issue({ name: "x", use: "server", hosts: [certified] }));
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      hosts.push(request.headers.host ?? "");
      response.end("done");
    });
    await using own = await startGatewayProcess({
      authorization: authorization.port,
      upstream: `https://localhost:${await listening(server)}`,
      env: { NODE_EXTRA_CA_CERTS: caPath },
    });
    const { status } = await sendRaw(own.port, rawRequest("GET", "/x", []));
    server.closeAllConnections();
    server.close();
    return status;
  };
  expect(await statusFrom("orders.example")).toBe(503);
  expect(hosts).toEqual([]);
  expect(await statusFrom("localhost")).toBe(200);
  expect(hosts).toEqual(["orders.example"]);
  await rm(folder, { recursive: true, force: true });
});
