/** `http_status` of a denial. */
import { RegoNumber, type RegoValue } from "../rego-value/value.ts";
import { ResultFault, wrongType } from "./fault.ts";

/** What Go's net/http and Envoy both know; 0 and whatever else is a fault. */
const STATUSES = new Set([
  100, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403,
  404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 423, 424, 426, 428, 429, 431, 500,
  501, 502, 503, 504, 505, 506, 507, 508, 510, 511,
]);
const MAX_INT64 = 2n ** 63n - 1n;

/** NB: the number has to be written as an integer: `403.0` is a fault, `806 / 2` is not. */
export function statusOf(value: RegoValue | undefined): number {
  const what = "response http status";
  if (value === undefined) return 403;
  if (!(value instanceof RegoNumber)) throw wrongType(what, "http_status", "number", value);
  const { text } = value;
  const isInteger = /^-?\d+$/.test(text);
  const code = isInteger ? BigInt(text) : 0n;
  if (!isInteger || code > MAX_INT64 || code < -MAX_INT64 - 1n) {
    const why = isInteger ? "value out of range" : "invalid syntax";
    throw new ResultFault(
      `failed to get ${what}: error converting JSON number to int: strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`,
    );
  }
  if (!STATUSES.has(Number(code))) throw new ResultFault(`failed to get ${what}: invalid HTTP status code ${code}`);
  return Number(code);
}
