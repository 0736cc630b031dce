import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { portOf } from "../../../platform/http/connections.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createNotHttp } from "./not-http.ts";

const ID = "01930000-0000-7000-8000-000000000001";
const lines: string[] = [];
let server: Server;
beforeAll(async () => {
  const log = createLog({ name: "test", destination: { write: (line: string) => void lines.push(line) } });
  server = createServer({ requestTimeout: 200, headersTimeout: 200, connectionsCheckingInterval: 50 });
  server.on("clientError", createNotHttp({ log, newRequestId: () => ID }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

test("a connection that was only opened ends without an answer, and without a line", async () => {
  lines.length = 0;
  const socket = connect(portOf(server), "127.0.0.1");
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  expect([text, ...lines]).toEqual([""]);
});

async function answerTo(bytes: string): Promise<string> {
  const socket = connect(portOf(server), "127.0.0.1");
  socket.write(bytes);
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

test.each([
  ["no HTTP", "hunter2\r\n\r\n", 400, "invalid_request", "HPE_INVALID_METHOD"],
  ["a head without end", `GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}`, 431, "headers_too_large", "HPE_HEADER_OVERFLOW"],
  ["half a head", "GET / HTTP/1.1\r\nhunter2", 408, "request_too_slow", "ERR_HTTP_REQUEST_TIMEOUT"],
])(
  "%s is a problem of its own status, logged once under its id and without what came",
  async (_, bytes, status, code, why) => {
    lines.length = 0;
    const [head = "", body = ""] = (await answerTo(bytes)).split("\r\n\r\n");
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} [A-Z]`));
    for (const header of [`x-request-id: ${ID}`, "cache-control: no-store", "content-type: application/problem+json"])
      expect(head).toContain(header);
    expect(JSON.parse(body)).toMatchObject({ status, code, request_id: ID, type: `/v1/problems/${code}` });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ event: "rest_unreadable", why, requestId: ID }]);
    expect(lines.join("")).not.toContain("hunter2");
  },
);
