/** `X-Request-ID` with every answer, by both ways through HTTP: the caller's own, to the letter, or one of ours where that could harm whoever reads it. */
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Authzen, startAuthzen } from "./authzen-fixture.ts";
import { allowing, ENFORCER, question } from "./authzen-samples.ts";

const OURS = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const EVALUATION = "/access/v1/evaluation";
/** fastify takes this spelling of the type too, direct.ts does not. */
const TYPES = ["application/json", "application/json;charset=utf-8"];

let authzen: Authzen;
let busy: Authzen;
beforeAll(async () => {
  [authzen, busy] = await Promise.all([startAuthzen(), startAuthzen({ maxInFlight: 0 })]);
  authzen.world.verdict = () => allowing;
});
afterAll(() => Promise.all([authzen, busy].map((one) => one[Symbol.asyncDispose]())));

type Sent = {
  readonly to?: Authzen;
  readonly path?: string;
  readonly headers?: NodeJS.Dict<string | string[]>;
  readonly body?: string;
};

/** The status, and every value of the header as it came. */
async function send({ to = authzen, path = EVALUATION, headers, body = JSON.stringify(question()) }: Sent) {
  const options = { host: "127.0.0.1", port: to.port, method: "POST", path, agent: false };
  const known = { authorization: `Bearer ${ENFORCER}`, "content-type": TYPES[0] };
  const request = httpRequest({ ...options, headers: { ...known, ...headers } });
  request.on("error", () => {}); // what is refused by its length is not taken to its end
  request.end(body);
  const [response] = await once(request, "response");
  await textOf(response);
  const ids = response.rawHeaders.filter(
    (_value: string, n: number, all: readonly string[]) => n % 2 === 1 && all[n - 1]?.toLowerCase() === "x-request-id",
  );
  return { status: response.statusCode, ids };
}

test.each<[what: string, value: string | string[]]>([
  ["with a byte of 0x80", "a\u0080b"],
  ["with the last byte there is", "a\u00ff"],
  ["in UTF-8 beyond ASCII", Buffer.from("Übung").toString("latin1")],
  ["with what ends lines elsewhere (U+0085)", "a\u0085x-evil: 1"],
  ["that ends a line in the low byte of another character", Buffer.from("a\u010d\u010ab").toString("latin1")],
  ["with a blank", "a b"],
  ["with a tab", "a\tb"],
  ["that is empty", ""],
  ["of blanks", "   "],
  ["twice", ["one", "two"]],
  ["twice, the same", ["one", "one"]],
  ["longer than 128 characters", "x".repeat(129)],
])("one %s is not echoed: there is one of ours in its place, and one only", async (_what, value) => {
  for (const type of TYPES) {
    const { status, ids } = await send({ headers: { "x-request-id": value, "content-type": type } });
    expect([status, ids]).toEqual([200, [expect.stringMatching(OURS)]]);
  }
});

test.each(["a\rx-evil: 1", "a\nx-evil: 1", "a\r\n x-evil: 1", "a\0b", "a\u007fb"])(
  "one with %j is echoed in no answer, and makes no header",
  async (value) => {
    const socket = connect(authzen.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.end(
      `GET ${EVALUATION} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-request-id: ${value}\r\n\r\n`,
      "latin1",
    );
    const said = await textOf(socket);
    expect(said).toMatch(/^HTTP\/1\.1 4/);
    expect(said).not.toMatch(/x-evil|^x-request-id: a/im);
  },
);

test.each(["abc-1", "!~", "x".repeat(128), '<script>"\\', "%0d%0ax-evil:1"])("%j is echoed as it is", async (value) => {
  for (const type of TYPES) {
    const headers = { "x-request-id": value, "content-type": type };
    expect(await send({ headers })).toEqual({ status: 200, ids: [value] });
  }
});

test.each<[status: number, what: string, sent: () => Sent]>([
  [400, "what is no JSON", () => ({ body: "{" })],
  [400, "an address that cannot be read", () => ({ path: "/access/%" })],
  [401, "who is not known", () => ({ headers: { authorization: "Bearer somebody" } })],
  [401, "a search by nobody", () => ({ path: "/access/v1/search/action", headers: { authorization: [] } })],
  [404, "an address that is not there", () => ({ path: "/access/v1/nothing" })],
  [404, "a search where there is nothing to search", () => ({ path: "/access/v1/search/resource" })],
  [413, "a body too large", () => ({ body: JSON.stringify(question({ context: { x: "x".repeat(70_000) } })) })],
  [503, "one too many", () => ({ to: busy })],
  [503, "a search too many", () => ({ to: busy, path: "/access/v1/search/resource" })],
])("%i to %s brings the caller's own id, and without one a new one each time", async (status, _what, sent) => {
  const { headers = {}, ...more } = sent();
  for (const type of TYPES) {
    const typed = { "content-type": type, ...headers };
    expect(await send({ ...more, headers: { ...typed, "x-request-id": "mine-1" } })).toEqual({
      status,
      ids: ["mine-1"],
    });
    const [first, second] = [await send({ ...more, headers: typed }), await send({ ...more, headers: typed })];
    for (const one of [first, second]) expect([one.status, one.ids]).toEqual([status, [expect.stringMatching(OURS)]]);
    expect(second.ids).not.toEqual(first.ids);
  }
});
