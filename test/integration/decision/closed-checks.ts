/**
 * Honest checks that are not allowed, each for a reason of its own: what is changed to find a way in. NB: no change makes a reading method of
 * these, which the policy would allow.
 */
import { CheckRequest } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { sampleCheck } from "../../bench/check/sample-check.ts";
import { token } from "./lone-decision.ts";

/** The sample with another method or credential. */
export function closedChecks(): readonly Buffer[] {
  const changed = (authorization: string | undefined, method: string) => {
    const request = CheckRequest.decode(sampleCheck("DELETE", token()));
    const http = request.attributes?.request?.http;
    if (http?.headerMap === undefined) throw new Error("no headers");
    http.method = method;
    http.headerMap.headers = http.headerMap.headers.filter(({ key }) => key !== "authorization");
    if (authorization !== undefined)
      http.headerMap.headers.push({ key: "authorization", value: "", rawValue: Buffer.from(authorization) });
    return Buffer.from(CheckRequest.encode(request).finish());
  };
  const forged = token({ header: { kid: "strange" } });
  return [
    sampleCheck("DELETE", token()), // elevates
    changed(`Bearer ${token()}`, "PUT"), // denied by a rule
    changed(`Bearer ${forged}`, "GET"), // not believed
    changed(undefined, "GET"), // anonymous, which no rule allows
  ];
}
