/** The two ways of an evaluation through HTTP say the same, whatever is asked; and a request that ends badly leaves nothing behind on the short one. */
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { text as textOf } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { decisionFrom, deny, NO_RESPONSE_FIELDS } from "../../../core/domain/decision.ts";
import type { Question } from "../../../core/domain/question.ts";
import { createMetrics, type Metrics } from "../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { OTHER_TYPE, startAuthzen, TYPE } from "../../../test/harness/authzen-server.ts";
import { askingBy, CALLERS } from "../../../test/samples/asking.ts";
import { BY_API, DENIED_BY_API } from "../../../test/samples/evaluation.ts";
import type { Answered, ApiCallers } from "../api/ports.ts";

const ALLOW = decisionFrom({ kind: "allow", reasons: [], response: NO_RESPONSE_FIELDS });
const callers: ApiCallers = {
  ...CALLERS,
  async authenticate({ authorization: [first, ...more] }) {
    if (first === undefined) return { kind: "refused", reason: "authentication_required" };
    if (more.length > 0 || !first.startsWith("Bearer c")) return { kind: "refused", reason: "credential_malformed" };
    return { kind: "client", client: { name: first, subjects: new Map(), enforcer: first === "Bearer ce" } };
  },
};

let metrics: Metrics;
let server: Awaited<ReturnType<typeof startAuthzen>>;
let gate: Promise<void> = Promise.resolve();
let asked = 0;
const faults: unknown[] = [];

beforeEach(async () => {
  metrics = createMetrics({ prefix: "t_" });
  server = await startAuthzen(
    {
      ...{ callers, metrics, faults: { report: (error) => faults.push(error) } },
      asking: askingBy(async (question) => {
        asked += 1;
        await gate;
        if (question.action.name === "throw") throw new Error("a fault of ours");
        return answered(question);
      }, callers),
    },
    { baseUrl: "https://pdp.example/base", drainMs: 2_000 },
  );
});
afterEach(async () => {
  gate = Promise.resolve();
  await server[Symbol.asyncDispose]();
  asked = 0;
  faults.length = 0;
});

/** `look` is allowed; a denial tells the question as it was understood. */
function answered(question: Question): Answered {
  return {
    ...DENIED_BY_API,
    decision: question.action.name === "look" ? ALLOW : deny("policy_denied", [JSON.stringify(question)]),
    evaluation: { ...BY_API, question },
  };
}

const body = (name: string, more: object = {}) =>
  JSON.stringify({
    ...{ subject: { type: "user", id: "dana" }, action: { name }, resource: { type: "f", id: "ä" } },
    ...more,
  });

type Sent = { readonly at?: string; readonly headers?: NodeJS.Dict<string | string[]>; readonly body: string | Buffer };

const DIRECT = { "content-type": TYPE };
const BY_FASTIFY = { "content-type": OTHER_TYPE };
const OTHERS = [BY_FASTIFY, { ...DIRECT, "transfer-encoding": "chunked" }];

async function send(way: object, { at = "evaluation", headers = {}, body: sent }: Sent) {
  const request = httpRequest({
    ...{ host: "127.0.0.1", port: server.port, path: `/base/access/v1/${at}`, method: "POST", agent: false },
    headers: { authorization: "Bearer c", ...way, ...headers },
  });
  request.end(sent);
  const [response] = await once(request, "response");
  const { date: _date, connection: _connection, "keep-alive": _keepAlive, ...said } = response.headers;
  return { status: response.statusCode, headers: said, body: await textOf(response) };
}

const DEEP = `{"subject":${"[".repeat(40)}${"]".repeat(40)}}`;
const own = { properties: JSON.parse('{"a":{"b":[1,"ü",null]}}') };

test.each<[what: string, status: number, sent: Sent]>([
  ["what is allowed", 200, { body: body("look") }],
  ["what is denied, with everything that was stated", 200, { body: body("no", { context: { ...own, x: "\\u005f" } }) }],
  ["a byte order mark", 200, { body: `\ufeff${body("look")}` }],
  ["an id of the caller's", 200, { body: body("look"), headers: { "x-request-id": "abc-1" } }],
  ["an id that is none", 200, { body: body("look"), headers: { "x-request-id": "a b" } }],
  ["a batch", 200, { at: "evaluations", body: body("look", { evaluations: [{}, { action: { name: "no" } }] }) }],
  ["a batch of none", 200, { at: "evaluations", body: body("look") }],
  ["a batch beyond the limit", 400, { at: "evaluations", body: body("look", { evaluations: [{}, {}, {}] }) }],
  ["a batch that is none", 400, { at: "evaluations", body: body("look", { evaluations: {} }) }],
  ["a batch to be enforced", 400, { ...enforced(), at: "evaluations", headers: { authorization: "Bearer ce" } }],
  ["no JSON", 400, { body: '{"subject":' }],
  ["no object", 400, { body: "7" }],
  ["a member missing", 400, { body: "{}" }],
  ["a member of another type", 400, { body: body("look", { context: [] }) }],
  [
    "properties that are a list",
    400,
    { body: body("look", { subject: { type: "user", id: "dana", properties: [] } }) },
  ],
  ["properties that are a text", 400, { body: body("look", { resource: { type: "f", id: "a", properties: "b" } }) }],
  ["properties that are null", 400, { body: body("look", { action: { name: "look", properties: null } }) }],
  ["properties of any name", 200, { body: body("look", { context: { "": 1, "a\nb": 2, constructor: 3 } }) }],
  ["half a surrogate pair", 400, { body: body("look").replace("dana", String.raw`\ud800`) }],
  ["a number beyond all", 400, { body: body("look", { context: { n: 1 } }).replace("1}", "1e999}") }],
  ["what is nested too deep", 400, { body: DEEP }],
  ["bytes that are no UTF-8", 400, { body: Buffer.from(body("look"), "latin1") }],
  ["a part of a character", 400, { body: Buffer.from(body("look")).subarray(0, -3) }],
  ["UTF-16", 400, { body: Buffer.from(body("look"), "utf16le") }],
  ["__proto__", 400, { body: body("look").replace("{", '{"__proto__":{},') }],
  ["__proto__, escaped", 400, { body: body("look").replace("{", String.raw`{"\u005f_proto__":{},`) }],
  ["constructor.prototype", 400, { body: body("look").replace("{", '{"x":{"constructor":{"prototype":{}}},') }],
  ["constructor alone", 200, { body: body("look").replace("{", '{"constructor":{"a":"__proto__"},') }],
  ["no credential", 401, { body: body("look"), headers: { authorization: [] } }],
  ["a wrong one", 401, { body: body("look"), headers: { authorization: "Bearer x" } }],
  ["two", 401, { body: body("look"), headers: { authorization: ["Bearer c", "Bearer c"] } }],
  ["to enforce, by no enforcer", 403, enforced()],
  ["to enforce", 200, { ...enforced(), headers: { authorization: "Bearer ce" } }],
  ["a fault of ours", 500, { body: body("throw") }],
])("both ways say the same of %s: %i", async (_what, status, sent) => {
  const direct = await send(DIRECT, sent);
  expect(direct.status).toBe(status);
  for (const way of OTHERS) expect(await send(way, sent)).toEqual(direct);
  const { text } = await metrics.expose();
  const operation = sent.at ?? "evaluation";
  expect(text).toContain(`t_authzen_request_seconds_count{operation="${operation}",status="${status}"} 3`);
});

function enforced(): Sent {
  return { body: body("look", { options: { countersign_mode: "enforce" }, evaluations: [{}] }) };
}

/** One connection: what is written as it is, and everything that came back. */
function raw() {
  const { socket, got } = server.sends();
  return { socket, got, answers: () => got().split("HTTP/1.1 ").slice(1) };
}

const head = (bytes: number, more = "") =>
  `POST /base/access/v1/evaluation HTTP/1.1\r\nhost: x\r\nauthorization: Bearer c\r\n${more}content-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n`;
const whole = (name: string) => head(Buffer.byteLength(body(name))) + body(name);
const arrived = (count: number) => waitUntil(`${count} questions`, 2_000, () => asked >= count);

test("a body that comes in pieces is waited for, split characters and all", async () => {
  const { socket, answers } = raw();
  const bytes = Buffer.from(body("no"));
  const middle = bytes.indexOf(Buffer.from("ä")) + 1;
  socket.write(head(bytes.length));
  for (const piece of [bytes.subarray(0, 3), bytes.subarray(3, middle), bytes.subarray(middle)]) {
    await new Promise((resolve) => socket.write(piece, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await waitUntil("an answer", 2_000, () => answers().length === 1);
  expect(answers()[0]).toMatch(/^200 .*\\"id\\":\\"ä\\"/s);
});

test("requests behind each other on one connection are answered in their order, each with its own", async () => {
  const { socket, answers } = raw();
  socket.write(whole("look") + whole("no"));
  await waitUntil("two answers", 2_000, () => answers().length === 2 && (answers()[1] ?? "").endsWith("}"));
  expect(answers()[0]).toContain('{"decision":true}');
  expect(answers()[1]).toContain('"decision":false');
});

test.each([
  ["a length and chunks", "transfer-encoding: chunked\r\n", "400"],
  ["two lengths", "content-length: 1\r\n", "400"],
  ["headers beyond the limit", `x: ${"y".repeat(20_000)}\r\n`, "431"],
])("%s are refused by the server itself, and nothing is asked", async (_what, more, status) => {
  const { socket, answers } = raw();
  socket.write(head(Buffer.byteLength(body("look")), more) + body("look"));
  await once(socket, "close");
  expect(answers()).toHaveLength(1);
  expect(answers()[0]).toMatch(new RegExp(`^${status} `));
  expect(asked).toBe(0);
});

test("a caller who leaves with half a body, or before the answer, leaves no place taken and no fault", async () => {
  const bytes = Buffer.byteLength(body("look"));
  for (const sent of [head(bytes) + body("look").slice(0, 9), head(bytes)]) {
    const { socket } = raw();
    socket.write(sent, () => setImmediate(() => socket.destroy()));
    await once(socket, "close");
  }
  const ended = (count: number) =>
    waitUntil(`${count} ends`, 2_000, async () => (await counted('operation="evaluation",status="499"')) === count);
  await ended(2);
  const opened = Promise.withResolvers<void>();
  gate = opened.promise;
  const leaving = [raw(), raw()];
  for (const { socket } of leaving) socket.write(whole("look"));
  await arrived(2);
  for (const { socket } of leaving) socket.destroy();
  await ended(4);
  opened.resolve();
  for (let turn = 0; turn < 3; turn += 1)
    expect(await send(DIRECT, { body: body("look") })).toMatchObject({ status: 200 });
  expect(faults).toEqual([]);
});

test("both ways share one limit, and what is under way at the end is answered as the last of its connection", async () => {
  const opened = Promise.withResolvers<void>();
  gate = opened.promise;
  const one = raw();
  one.socket.write(whole("look"));
  const other = send(BY_FASTIFY, { body: body("look") });
  await arrived(2);
  for (const way of [DIRECT, ...OTHERS]) {
    const said = await send(way, { body: body("look") });
    expect(said).toMatchObject({ status: 503, headers: { "retry-after": "1" }, body: "too many requests at once" });
  }
  const ended = server.end();
  opened.resolve();
  await once(one.socket, "close");
  expect(one.got()).toMatch(/^HTTP\/1.1 200 .*connection: close.*"decision":true/is);
  expect(await other).toMatchObject({ status: 200 });
  await ended;
  expect(asked).toBe(2);
});

async function counted(labels: string): Promise<number> {
  const { text } = await metrics.expose();
  const line = text.split("\n").find((one) => one.includes(`request_seconds_count{${labels}`));
  return Number(line?.split(" ").at(-1) ?? 0);
}
