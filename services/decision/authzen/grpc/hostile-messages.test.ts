/** Messages that hold more, or something else, than what is generated would read out of them: refused before anybody is asked. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { status } from "@grpc/grpc-js";
import { beforeEach, expect, test } from "@jest/globals";
import { createMetrics } from "../../../../platform/metrics/metrics.ts";
import { askingBy, CALLERS } from "../../../../test/samples/asking.ts";
import { DENIED_BY_API, LEFT } from "../../../../test/samples/evaluation.ts";
import { createDecisionMethods } from "./methods.ts";

const TERMS = { leftMs: LEFT.leftMs(), shed: false, traceparent: undefined, isGone: () => false };
const PEER = { authorization: () => [], certificateNames: () => [], certificate: () => undefined };

const asked: unknown[] = [];
beforeEach(() => {
  asked.length = 0;
});
const methods = createDecisionMethods(
  {
    asking: askingBy(async (question) => {
      asked.push(question);
      return DENIED_BY_API;
    }),
    ...{ callers: CALLERS, newDeadline: () => LEFT, pause: async () => {} },
    ...{ faults: { report: (error) => asked.push(error) }, metrics: createMetrics({ prefix: "t_" }) },
  },
  { maxBatch: 3 },
);

/** Its status, by both methods. */
async function saidOf(message: Uint8Array): Promise<status> {
  const batch = new BinaryWriter().tag(1, 2).bytes(message).finish();
  const [one, many] = [
    await methods.evaluate(Buffer.from(message), TERMS, PEER),
    await methods.evaluateBatch(Buffer.from(batch), TERMS, PEER),
  ];
  const [code, ofBatch] = [one, many].map((said) => ("code" in said ? said.code : status.OK));
  expect(ofBatch).toBe(code);
  return code ?? status.UNKNOWN;
}

/** A field with a length. */
const field = (number: number, content: Uint8Array | string) =>
  new BinaryWriter().tag(number, 2).bytes(Buffer.from(content)).finish();
const entity = (id: Uint8Array | string, properties: Uint8Array = Buffer.alloc(0)) =>
  Buffer.concat([field(1, "user"), field(2, id), field(3, properties)]);
const message = (subject: Uint8Array, more: Uint8Array = Buffer.alloc(0)) =>
  Buffer.concat([
    field(1, subject),
    field(2, field(1, "read")),
    field(3, Buffer.concat([field(1, "file"), field(2, "f1")])),
    more,
  ]);
const latin1 = (text: string) => Buffer.from(text, "latin1");
const text = (content: Uint8Array | string) => field(3, content);
const struct = (...entries: readonly (readonly [name: Uint8Array | string, value: Uint8Array])[]) =>
  Buffer.concat(entries.map(([name, value]) => field(1, Buffer.concat([field(1, name), field(2, value)]))));

test.each<[what: string, bytes: Uint8Array]>([
  ["an id in Latin-1", message(entity(latin1("Müller")))],
  ["a longer one", message(entity(latin1("Müller".repeat(20))))],
  ["the byte ff", message(entity(Buffer.of(0xff)))],
  ["half of a character", message(entity(Buffer.from("ü").subarray(0, 1)))],
  ["half of a surrogate pair", message(entity(Buffer.of(0xed, 0xa0, 0x80)))],
  ["a name of a property", message(entity("dana", struct([latin1("ö"), text("x")])))],
  ["a value of one", message(entity("dana", struct(["owner", text(latin1("Mäller"))])))],
  ["the context", message(entity("dana"), field(4, struct(["x", text(Buffer.of(0x80))])))],
])("%s, which is no UTF-8, is INVALID_ARGUMENT and nobody is asked", async (_what, bytes) => {
  expect(await saidOf(bytes)).toBe(status.INVALID_ARGUMENT);
  expect(asked).toEqual([]);
});

const NO_KIND = Buffer.alloc(0);
const inStruct = (content: Uint8Array) => field(5, content);
const inList = (...items: readonly Uint8Array[]) => field(6, Buffer.concat(items.map((item) => field(1, item))));
const ACT = struct(["sub", text("agent")]);

test.each<[what: string, properties: Uint8Array]>([
  ["an empty value", struct(["act", NO_KIND])],
  ["no value", field(1, field(1, "act"))],
  ["a value of a kind that there is not", struct(["act", field(9, "x")])],
  ["an empty value below", struct(["a", inStruct(struct(["act", NO_KIND]))])],
  ["an empty item", struct(["groups", inList(text("a"), NO_KIND)])],
  ["__proto__ as a struct", struct(["__proto__", inStruct(struct(["act", inStruct(ACT)]))])],
  ["__proto__ as a text", struct(["__proto__", text("x")])],
  ["__proto__ below, in a list", struct(["a", inList(inStruct(struct(["__proto__", inStruct(ACT)])))])],
  ["one that is empty behind one that is not", struct(["act", inStruct(ACT)], ["act", NO_KIND])],
])("%s in a Struct, which would be lost, is INVALID_ARGUMENT and nobody is asked", async (_what, properties) => {
  expect(await saidOf(message(entity("dana", properties)))).toBe(status.INVALID_ARGUMENT);
  expect(await saidOf(message(entity("dana"), field(4, properties)))).toBe(status.INVALID_ARGUMENT);
  expect(await saidOf(message(entity("dana"), field(2, field(2, properties))))).toBe(status.INVALID_ARGUMENT);
  expect(await saidOf(message(entity("dana"), field(3, entity("f1", properties))))).toBe(status.INVALID_ARGUMENT);
  expect(asked).toEqual([]);
});

test("every kind of value in a Struct is asked about as it is", async () => {
  const [no, one, yes] = [Buffer.of(8, 0), Buffer.of(17, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f), Buffer.of(32, 1)];
  const properties = struct(
    ...([
      ["null", no],
      ["one", one],
      ["yes", yes],
      ["", text("")],
      ["of", inStruct(Buffer.alloc(0))],
    ] as const),
    ["all", inList(no, one, yes, text("__proto__"), inStruct(ACT), inList())],
  );
  expect(await saidOf(message(entity("dana", properties)))).toBe(status.OK);
  const all = [null, 1, true, "__proto__", { sub: "agent" }, []];
  const subject = { type: "user", id: "dana", properties: { null: null, one: 1, yes: true, "": "", of: {}, all } };
  expect(asked[0]).toMatchObject({ subject });
});

test("what is no message at all is INTERNAL", async () => {
  expect(await saidOf(Buffer.of(0x0a, 0xff))).toBe(status.INTERNAL);
  expect(asked).toEqual([]);
});

test("texts beyond ASCII are asked about as they are, the replacement character and a byte order mark too", async () => {
  for (const id of ["Müller", "Mäller".repeat(20), "\u{1f511}", "\ufffd", "\ufeffdana"]) {
    asked.length = 0;
    expect(await saidOf(message(entity(id, struct(["owner", text(id)]))))).toBe(status.OK);
    const subject = { type: "user", id, properties: { owner: id } };
    expect(asked).toEqual([expect.objectContaining({ subject }), expect.objectContaining({ subject })]);
  }
});
