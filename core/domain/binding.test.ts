import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type BindingInput, boundFieldNames, type HttpRequest, layOutBinding } from "./binding.ts";

const http: HttpRequest = {
  method: "POST",
  scheme: "https",
  authority: "orders.example",
  path: "/refunds",
  query: "?dry=1",
  headers: new Map([
    ["content-type", ["application/json"]],
    ["x-currency", ["EUR"]],
  ]),
  body: { kind: "bytes", bytes: Buffer.from('{"amount":40}') },
};
const input: BindingInput = {
  issuer: "https://a",
  subject: "dana",
  http,
  bindHeaders: ["x-currency"],
  hasDisplay: true,
};

/** Any injective text of a layout will do here; the real hash is core/messages' own. */
function digestOf(given: BindingInput): string {
  const layout = layOutBinding(given);
  if (layout.kind === "unbindable") return layout.reason;
  const plain = layout.fields.map(({ name, values }) => [
    name,
    values.map((value) => Buffer.from(value).toString("hex")),
  ]);
  return JSON.stringify(plain);
}

const FIELDS = [
  ...(["issuer", "subject", "method", "scheme", "authority", "path", "query"] as const),
  ...(["content-type", "x-currency", "body"] as const),
] as const;

function inputOf(fields: { readonly [name in (typeof FIELDS)[number]]: string }): BindingInput {
  const { issuer, subject, method, scheme, authority, path, query, body } = fields;
  const headers = new Map([
    ["content-type", [fields["content-type"]]],
    ["x-currency", [fields["x-currency"]]],
  ]);
  const bytes = Buffer.from(body, "latin1");
  const call: HttpRequest = { method, scheme, authority, path, query, headers, body: { kind: "bytes", bytes } };
  return { ...input, issuer, subject, http: call };
}

const EVERY_FIELD = { ...input, ...http, "content-type": "text/plain", "x-currency": "EUR", body: "b" };

function bodyOf(text: string): HttpRequest["body"] {
  return { kind: "bytes", bytes: Buffer.from(text, "utf8") };
}

function flipped(text: string, at: number, flip: number): string {
  return String.fromCharCode(text.charCodeAt(at) ^ flip);
}

describe("what cannot be bound", () => {
  test.each([
    ["a body that was not buffered looks like none", { kind: "not_buffered" }],
    ["a body that was cut", { kind: "partial" }],
    ["a body that came as text", { kind: "text" }],
  ] as const)("%s: body_not_bindable", (_name, body) => {
    expect(layOutBinding({ ...input, http: { ...http, body } })).toEqual({
      kind: "unbindable",
      reason: "body_not_bindable",
    });
  });

  test.each(["gzip", "br", "identity, gzip", ""])("content-encoding %j: body_not_bindable", (encoding) => {
    const headers = new Map([...http.headers, ["content-encoding", [encoding]] as const]);
    expect(digestOf({ ...input, http: { ...http, headers } })).toBe("body_not_bindable");
  });

  test("what is not HTTP has no binding", () => {
    expect(digestOf({ ...input, http: undefined })).toBe("body_not_bindable");
  });

  test("a body or query that no display line shows is not_reviewable", () => {
    expect(digestOf({ ...input, hasDisplay: false })).toBe("not_reviewable");
    const bodyless = { ...http, body: { kind: "bytes", bytes: new Uint8Array() } } as const;
    expect(digestOf({ ...input, hasDisplay: false, http: bodyless })).toBe("not_reviewable");
    expect(digestOf({ ...input, hasDisplay: false, http: { ...http, query: "" } })).toBe("not_reviewable");
    expect(digestOf({ ...input, hasDisplay: false, http: { ...bodyless, query: "" } })).toContain("subject");
  });
});

describe("the binding changes", () => {
  const before = digestOf(input);

  test.each<[string, BindingInput]>([
    ["issuer", { ...input, issuer: "https://b" }],
    ["subject", { ...input, subject: "sam" }],
    ["method", { ...input, http: { ...http, method: "PUT" } }],
    ["scheme", { ...input, http: { ...http, scheme: "http" } }],
    ["authority", { ...input, http: { ...http, authority: "orders.example:8443" } }],
    ["path", { ...input, http: { ...http, path: "/refunds/" } }],
    ["query", { ...input, http: { ...http, query: "?dry=0" } }],
    ["an empty query against none", { ...input, http: { ...http, query: "?" } }],
    ["content type", { ...input, http: { ...http, headers: new Map([["x-currency", ["EUR"]]]) } }],
    [
      "a bound header's value",
      { ...input, http: { ...http, headers: new Map([...http.headers, ["x-currency", ["USD"]]]) } },
    ],
    [
      "a bound header said twice",
      { ...input, http: { ...http, headers: new Map([...http.headers, ["x-currency", ["EUR", "EUR"]]]) } },
    ],
    ["which headers are bound", { ...input, bindHeaders: [] }],
    ["the bound header's name", { ...input, bindHeaders: ["content-type"] }],
  ])("with %s", (_name, changed) => {
    expect(digestOf(changed)).not.toBe(before);
  });

  test("with any one byte of any bound field", () => {
    const text = fc
      .string({ minLength: 1, maxLength: 20, unit: "binary-ascii" })
      .filter((value) => !/[A-Z]/.test(value));
    const call = fc.record({
      issuer: text,
      subject: text,
      method: text,
      scheme: text,
      authority: text,
      path: text,
      query: text,
      "content-type": text,
      "x-currency": text,
      body: text,
    });
    const name = fc.constantFrom(...FIELDS);
    fc.assert(
      fc.property(call, name, fc.nat(), fc.integer({ min: 1, max: 127 }), (fields, changed, at, flip) => {
        const value = fields[changed];
        const other = `${value.slice(0, at % value.length)}${flipped(value, at % value.length, flip)}${value.slice((at % value.length) + 1)}`;
        expect(digestOf(inputOf({ ...fields, [changed]: other }))).not.toBe(digestOf(inputOf(fields)));
        expect(digestOf(inputOf({ ...fields }))).toBe(digestOf(inputOf(fields)));
      }),
    );
  });

  test.each([
    ["case", "a", "A"],
    ["a space before it", "a", " a"],
    ["a space after it", "a", "a "],
    ["a line break after it", "a", "a\n"],
    ["percent encoding", "/A", "/%41"],
    ["the case of percent encoding", "/%2f", "/%2F"],
    ["a slash said twice", "/a/b", "/a//b"],
    ["a dot segment", "/a", "/./a"],
    ["how a character is composed", "\u00e9", "e\u0301"],
    ["a byte order mark", "a", "\ufeffa"],
    ["nothing", "", "\0"],
  ])("with %s in any bound field, since nothing is normalised", (_name, one, other) => {
    for (const field of FIELDS.filter((name) => name !== "body")) {
      const fields = { ...EVERY_FIELD, [field]: one };
      expect(digestOf(inputOf({ ...fields, [field]: other }))).not.toBe(digestOf(inputOf(fields)));
    }
    const withBody = (text: string) => ({ ...input, http: { ...http, body: bodyOf(text) } });
    expect(digestOf(withBody(other))).not.toBe(digestOf(withBody(one)));
  });

  test.each([
    ["content-type", "a, b", ["a", "b"]],
    ["x-currency", "a, b", ["a", "b"]],
    ["x-currency", "a,b", ["a", "b"]],
    ["x-currency", "a", ["a", "b"]],
    ["content-type", "a", ["a", "b"]],
    ["content-encoding", "identity", ["identity", "identity"]],
    ["content-encoding", "identity", ["IDENTITY"]],
    ["content-encoding", "identity", []],
  ])("with %s sent as %j or as %j", (name, one, other) => {
    const withHeader = (values: readonly string[]) => ({
      ...input,
      http: { ...http, headers: new Map([...http.headers, [name, values] as const]) },
    });
    expect(digestOf(withHeader([one]))).toContain("subject");
    expect(digestOf(withHeader(other))).not.toBe(digestOf(withHeader([one])));
  });

  test.each([64, 8_192, 1_000_000])("with the last byte of a body of %d bytes", (length) => {
    const withLast = (last: number) => {
      const bytes = new Uint8Array(length).fill(0xc3);
      bytes[length - 1] = last;
      return { ...input, http: { ...http, body: { kind: "bytes", bytes } as const } };
    };
    expect(digestOf(withLast(0xc4))).not.toBe(digestOf(withLast(0xc3)));
  });

  test("when bytes move from one bound field to the one beside it", () => {
    const text = fc.string({ minLength: 1, maxLength: 8, unit: "binary-ascii" });
    fc.assert(
      fc.property(text, text, fc.nat(), (left, right, at) => {
        const whole = left + right;
        const cut = at % (whole.length + 1);
        fc.pre(cut !== left.length);
        const call = (path: string, query: string) => ({ ...input, http: { ...http, path, query } });
        expect(digestOf(call(whole.slice(0, cut), whole.slice(cut)))).not.toBe(digestOf(call(left, right)));
      }),
    );
  });

  test("not with a header that is not bound", () => {
    const headers = new Map([...http.headers, ["x-request-id", ["7"]] as const]);
    expect(digestOf({ ...input, http: { ...http, headers } })).toBe(before);
  });
});

test("the names of the fields are those of the layout, in its order", () => {
  const layout = layOutBinding(input);
  expect(layout.kind === "bindable" && layout.fields.map(({ name }) => name)).toEqual(
    boundFieldNames(input.bindHeaders),
  );
});
