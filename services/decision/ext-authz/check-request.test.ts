import { describe, expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import { AttributeContext } from "../../../proto/gen/envoy/service/auth/v3/attribute_context.ts";
import { CheckRequest } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { evaluationFrom } from "./check-request.ts";
import { readCheck } from "./read-check.ts";

const decisionId = id("decision", "01930000-0000-7000-8000-000000000002");

type Sent = {
  buffered?: boolean;
  rawBody?: string;
  body?: string;
  size?: number;
  headers?: readonly (readonly [string, string])[];
  path?: string;
};

function translated({
  buffered = true,
  rawBody = "",
  body = "",
  size = rawBody.length,
  headers = [],
  path = "/p",
}: Sent) {
  const base = AttributeContext.decode(new Uint8Array());
  const headerMap = { headers: headers.map(([key, value]) => ({ key, value: "", rawValue: Buffer.from(value) })) };
  const http = {
    ...{ id: "1", method: "POST", path, host: "Orders.Example:8080", scheme: "https", query: "", fragment: "" },
    ...{
      headers: new Map<string, string>(),
      headerMap,
      size,
      protocol: "HTTP/1.1",
      body,
      rawBody: Buffer.from(rawBody),
    },
  };
  const contextExtensions = new Map<string, string>(buffered ? [["countersign.body", "buffered"]] : []);
  const bytes = CheckRequest.encode({ attributes: { ...base, request: { http }, contextExtensions } }).finish();
  return evaluationFrom(readCheck(Buffer.from(bytes)), decisionId);
}

const evaluationOf = (sent: Sent) => translated(sent).evaluation;

describe("a body", () => {
  test.each<[string, Sent, string]>([
    [
      "without the enforcer's word is not buffered, even when it is there",
      { buffered: false, rawBody: "x" },
      "not_buffered",
    ],
    ["without the enforcer's word is not empty", { buffered: false }, "not_buffered"],
    ["marked as partial is partial", { rawBody: "x", headers: [["x-envoy-auth-partial-body", "true"]] }, "partial"],
    ["shorter than it says is partial", { rawBody: "x", headers: [["content-length", "2"]] }, "partial"],
    ["of two lengths is partial", { rawBody: "x", headers: [["content-length", "1, 1"]] }, "partial"],
    ["shorter than the enforcer received is partial", { rawBody: "x", size: 2 }, "partial"],
    ["as text is not bytes", { body: "x" }, "text"],
    ["that is announced and missing is not empty", { headers: [["content-length", "2"]] }, "not_buffered"],
    ["that is chunked and missing is not empty", { headers: [["transfer-encoding", "chunked"]] }, "not_buffered"],
    ["that is whole is bytes", { rawBody: "x", headers: [["content-length", "1"]] }, "bytes"],
    ["of which there is none is zero bytes", { size: -1 }, "bytes"],
  ])("%s", (_name, sent, kind) => {
    expect(evaluationOf(sent).call.http?.body.kind).toBe(kind);
  });
});

describe("a call", () => {
  test.each([" admin", "admin ", "\tadmin", "admin\t", " ", "\t"])(
    "with blanks around a value, %j, is a fault",
    (value) => {
      const fault = "a value of a header begins or ends with a blank";
      expect(
        translated({
          headers: [
            ["x-role", "admin"],
            ["X-Role", value],
          ],
        }).fault,
      ).toBe(fault);
      expect(
        translated({
          headers: [
            ["x-role", "ad min"],
            ["x-empty", ""],
          ],
        }).fault,
      ).toBeUndefined();
    },
  );

  test("keeps duplicates of a header apart, in order, and names such as __proto__", () => {
    const headers = [
      ["X-A", "1"],
      ["x-a", "2"],
      ["__proto__", "3"],
    ] as const;
    const seen = evaluationOf({ headers }).call.http?.headers;
    expect(seen?.get("x-a")).toEqual(["1", "2"]);
    expect(seen?.get("__proto__")).toEqual(["3"]);
  });

  test("is split at the first question mark, with nothing decoded; the authority is lower case", () => {
    const http = evaluationOf({ path: "/a%2Fb?x=1?y" }).call.http;
    expect(http).toMatchObject({ path: "/a%2Fb", query: "?x=1?y", authority: "orders.example:8080" });
    expect(evaluationOf({ path: "/p?" }).call.http?.query).toBe("?");
  });

  test("states a reason once or not at all", () => {
    expect(evaluationOf({ headers: [["countersign-reason", " because "]] }).justification).toBe("because");
    const twice = [
      ["countersign-reason", "a"],
      ["countersign-reason", "b"],
    ] as const;
    expect(evaluationOf({ headers: twice }).justification).toBeUndefined();
  });
});
