/** What an enforcer sends, as bytes, and the problem in what it is answered. */
import { status } from "@grpc/grpc-js";
import { expect } from "@jest/globals";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { CheckRequest, type CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { peer } from "../../bench/check/sample-check.ts";

const problem = Compile(
  Type.Object({
    type: Type.String(),
    status: Type.Integer(),
    outcome: Type.String(),
    reasons: Type.Array(Type.String()),
    decision_id: Type.String(),
    denial_id: Type.Optional(Type.String()),
    grant_reason: Type.Optional(Type.String()),
  }),
);

export type Sent = {
  method?: string;
  path?: string;
  headers?: [string, string][];
  raw?: [string, Buffer][];
  body?: string;
  buffered?: boolean;
  /** Address of the peer that the enforcer saw. */
  from?: string;
};

/** A check as Envoy sends it: GET /orders/42 by nobody, unless something else is said. */
export function checkBytes({
  method = "GET",
  path = "/orders/42",
  headers = [],
  raw = [],
  body = "",
  buffered = false,
  from,
}: Sent) {
  const list = [
    ...headers.map(([key, value]) => ({ key, value, rawValue: Buffer.from(value) })),
    ...raw.map(([key, rawValue]) => ({ key, value: "", rawValue })),
  ];
  const http = {
    ...{
      id: "1",
      method,
      path,
      host: "Orders.Example",
      scheme: "https",
      query: "",
      fragment: "",
      protocol: "HTTP/1.1",
    },
    ...{ headers: new Map(), headerMap: { headers: list }, size: body.length, body: "", rawBody: Buffer.from(body) },
  };
  const contextExtensions = new Map(buffered ? [["countersign.body", "buffered"]] : []);
  const attributes = {
    source: from === undefined ? undefined : peer(from, 40_000),
    destination: undefined,
    request: { time: new Date(), http },
    contextExtensions,
  };
  return CheckRequest.encode({ attributes }).finish();
}

/** The problem that a denial carries, with the headers of its answer; anything else fails the test. */
export function deniedAs(response: CheckResponse) {
  expect(response.status?.code).not.toBe(status.OK);
  if (response.httpResponse?.$case !== "deniedResponse") throw new Error("not a denied response");
  const { value } = response.httpResponse;
  const body: unknown = JSON.parse(value.body);
  if (!problem.Check(body)) throw new Error(`not a problem: ${value.body}`);
  expect(value.status?.code).toBe(body.status);
  const headers = new Map(value.headers.map(({ header }) => [header?.key, header?.value]));
  expect(headers.get("content-type")).toBe("application/problem+json");
  return { ...body, headers };
}
