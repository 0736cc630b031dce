import { describe, expect, test } from "@jest/globals";
import type { HeaderValueOption } from "../../../proto/gen/envoy/config/core/v3/base.ts";
import type { CheckResponse, OkHttpResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { verdictFrom } from "./check-answer.ts";

const NO_BYTES = Buffer.alloc(0);

function status(code: number) {
  return { code, message: "", details: [] };
}

function option(key: string, value: string, appendAction = 0, append?: boolean): HeaderValueOption {
  const action = ([0, 1, 2, 3] as const).find((known) => known === appendAction) ?? -1;
  return { header: { key, value, rawValue: NO_BYTES }, append, appendAction: action, keepEmptyValue: false };
}

function ok(parts: Partial<OkHttpResponse>): CheckResponse {
  const empty = { headers: [], headersToRemove: [], responseHeadersToAdd: [], queryParametersToSet: [] };
  const value = { ...empty, queryParametersToRemove: [], ...parts };
  return { status: status(0), httpResponse: { $case: "okResponse", value } };
}

function denied(code: number | undefined, headers: HeaderValueOption[] = [], body = ""): CheckResponse {
  const value = { status: code === undefined ? undefined : { code: forced(code) }, headers, body };
  return { status: status(7), httpResponse: { $case: "deniedResponse", value } };
}

/** A number that is on the wire although no enumeration knows it. */
function forced(code: number): 403 {
  const holder: { code: 403 } = { code: 403 };
  Object.assign(holder, { code });
  return holder.code;
}

describe("what is no answer is unusable", () => {
  const denial = denied(403).httpResponse;
  test.each([
    ["an empty message", {}],
    ["no status, with an OK", { httpResponse: ok({}).httpResponse }],
    ["an OK with a denial in it", { status: status(0), httpResponse: denial }],
  ] as const)("%s", (_, response) => {
    expect(verdictFrom({ ...response })).toEqual({ kind: "unusable", why: "contradictory" });
  });

  test.each([
    ["a new query parameter", { queryParametersToSet: [{ key: "a", value: "b" }] }],
    ["a removed query parameter", { queryParametersToRemove: ["a"] }],
    ["another host", { headers: [option("host", "other", 2)] }],
    ["another path", { headers: [option(":path", "/admin", 2)] }],
    ["another length", { headers: [option("content-length", "1", 2)] }],
    ["another framing", { headers: [option("Transfer-Encoding", "chunked", 2)] }],
    ["another connection", { headers: [option("connection", "x-user", 2)] }],
    ["a line break in a value", { headers: [option("x-a", "1\r\nx-b: 2", 2)] }],
    ["a zero byte in a value", { headers: [option("x-a", "1\0", 2)] }],
    ["a name that is none", { headers: [option("x a", "1", 2)] }],
    ["an empty name", { headers: [option("", "1", 2)] }],
    ["an unknown action", { headers: [option("x-a", "1", 9)] }],
    ["no header in the option", { headers: [{ appendAction: 2, keepEmptyValue: false } as const] }],
    ["a line break for the client", { responseHeadersToAdd: [option("x-a", "1\n2")] }],
    ["a length for the client", { responseHeadersToAdd: [option("content-length", "2")] }],
    ["an unknown action for the client", { responseHeadersToAdd: [option("x-a", "1", 9)] }],
  ])("an OK that wants %s", (_, parts) => {
    expect(verdictFrom(ok(parts))).toEqual({ kind: "unusable", why: "not_applicable" });
  });

  test("a denial with a line break in a header", () => {
    expect(verdictFrom(denied(403, [option("x-a", "1\r\n2")]))).toEqual({ kind: "unusable", why: "not_applicable" });
  });
});

describe("a denial", () => {
  test.each([
    ["without an HTTP response", { status: status(7) }, 403],
    ["with another code than PERMISSION_DENIED", { status: status(13) }, 403],
    ["with an OK in it", { ...ok({}), status: status(7) }, 403],
    ["without a status", denied(undefined), 403],
    ["with status 0", denied(0), 403],
    ["with a status that is no final answer", denied(101), 403],
    ["with a status beyond all", denied(600), 403],
    ["with its own status", denied(401), 401],
    ["that sends elsewhere", denied(302), 302],
  ] as const)("%s is a denial", (_, response, code) => {
    expect(verdictFrom({ ...response })).toMatchObject({ kind: "denied", status: code });
  });

  test("its headers and its body are passed on, except those that frame the message", () => {
    const headers = [
      option("WWW-Authenticate", "Bearer"),
      option("x-a", "1"),
      option("x-a", "2"),
      option("content-length", "1"),
    ];
    expect(verdictFrom(denied(401, headers, "caf\u00e9"))).toEqual({
      kind: "denied",
      status: 401,
      lines: [
        ["www-authenticate", "Bearer"],
        ["x-a", "1"],
        ["x-a", "2"],
      ],
      body: Buffer.from("caf\u00e9", "utf8"),
    });
  });
});

describe("an allow", () => {
  test("without an HTTP response changes nothing", () => {
    expect(verdictFrom({ status: status(0) })).toEqual({ kind: "allowed", request: [], removed: [], response: [] });
  });

  test.each([
    [[option("X-A", "1")], [["replace", "1"]]],
    [[option("x-a", "1", 1)], [["replace", "1"]]],
    [[option("x-a", "1", 2)], [["replace", "1"]]],
    [[option("x-a", "1", 3)], [["replace", "1"]]],
    [[option("x-a", "1", 2, true)], [["add", "1"]]],
    [[option("x-a", "1", 0, false)], [["replace", "1"]]],
    [
      [option("x-a", "1"), option("x-a", "2")],
      [
        ["replace", "1"],
        ["add", "2"],
      ],
    ],
    [
      [option("x-a", "1", 2), option("x-a", "2", 2)],
      [
        ["replace", "1"],
        ["replace", "2"],
      ],
    ],
  ])("never leaves a client's value beside one that is set: %j", (headers, expected) => {
    const verdict = verdictFrom(ok({ headers }));
    const changes = verdict.kind === "allowed" ? verdict.request.map(({ kind, line }) => [kind, line[1]]) : verdict;
    expect(changes).toEqual(expected);
  });

  test("text is written as UTF-8, raw bytes as they are", () => {
    const raw = { ...option("x-raw", "", 2), header: { key: "x-raw", value: "", rawValue: Buffer.from([0xe9]) } };
    const verdict = verdictFrom(ok({ headers: [option("x-text", "\u00e9", 2), raw] }));
    expect(verdict.kind === "allowed" && verdict.request.map(({ line }) => line)).toEqual([
      ["x-text", "\u00c3\u00a9"],
      ["x-raw", "\u00e9"],
    ]);
  });

  test("what a message cannot be without is not removed", () => {
    const headersToRemove = ["X-A", "Host", ":path", "content-length", "transfer-encoding"];
    expect(verdictFrom(ok({ headersToRemove }))).toMatchObject({ removed: ["x-a"] });
  });

  test("headers for the client follow their action", () => {
    const responseHeadersToAdd = [option("a", "1"), option("b", "1", 1), option("c", "1", 2), option("d", "1", 3)];
    expect(verdictFrom(ok({ responseHeadersToAdd }))).toMatchObject({
      response: [{ kind: "add" }, { kind: "add_if_absent" }, { kind: "replace" }, { kind: "replace_if_present" }],
    });
  });
});
