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

  test("with any byte of the body", () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (body, at, flip) => {
        const other = Uint8Array.from(body, (byte, index) => (index === at % body.length ? byte ^ flip : byte));
        const bound = (value: Uint8Array) =>
          digestOf({ ...input, http: { ...http, body: { kind: "bytes", bytes: value } } });
        expect(bound(other)).not.toBe(bound(body));
        expect(bound(Uint8Array.from(body))).toBe(bound(body));
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
