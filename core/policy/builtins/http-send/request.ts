/**
 * The argument of `http.send` as a question to the network, as OPA v1.20.2 reads it (v1/topdown/http.go). What OPA takes and is not served
 * here is an error at the call and never passed over: files and variables of this process as TLS material, certificates that are not
 * verified, Unix sockets.
 */
import type { AskedTls, HttpAsk } from "../../asks.ts";
import { BuiltinError } from "../../builtin.ts";
import { integerOf } from "../../rego-value/number.ts";
import { regoSet } from "../../rego-value/order.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "../../rego-value/value.ts";
import { writeGoJson, writeRego } from "../../rego-value/write.ts";

/** Where to read what is decoded, beside the question itself. */
export type HttpSend = {
  readonly ask: HttpAsk;
  /** Equal for requests that are one and the same. */
  readonly key: string;
  readonly decodes: "json" | "yaml" | undefined;
};

const SERVED = new Set([
  ...["method", "url", "body", "raw_body", "headers", "enable_redirect", "force_json_decode", "force_yaml_decode"],
  ...["timeout", "raise_error", "max_retry_attempts", "cache", "force_cache", "force_cache_duration_seconds"],
  ...["caching_mode", "cache_ignored_headers", "tls_ca_cert", "tls_client_cert", "tls_client_key", "tls_server_name"],
  ...["tls_use_system_certs", "tls_insecure_skip_verify"],
]);
const NOT_SERVED = new Set(
  ["tls_ca_cert", "tls_client_cert", "tls_client_key"].flatMap((name) => [`${name}_file`, `${name}_env_variable`]),
);
const MAX_RETRIES = 10;

/** @param durationNs reads a duration as Go does, such as `1.5s` */
export function httpSendOf(request: RegoObject, durationNs: (text: string) => number): HttpSend {
  refuseUnknown(request);
  const fields = fieldsOf(request);
  const headers = headersOf(request.get("headers"));
  const [json, yaml] = [fields.flag("force_json_decode"), fields.flag("force_yaml_decode")];
  return {
    ask: {
      kind: "http",
      method: fields.text("method").toUpperCase(),
      url: fields.text("url"),
      headers,
      body: bodyOf(request, fields),
      followsRedirects: fields.flag("enable_redirect"),
      timeoutMs: timeoutOf(request.get("timeout"), durationNs),
      retries: Math.min(MAX_RETRIES, fields.count("max_retry_attempts")),
      tls: tlsOf(fields),
      cache: cacheOf(request, fields),
    },
    key: writeRego(keyOf(request)),
    decodes: json ? "json" : yaml ? "yaml" : undefined,
  };
}

function refuseUnknown(request: RegoObject): void {
  const names = [...request.entries()].map(([name]) => name);
  const unknown = names.filter((name) => typeof name !== "string" || !(SERVED.has(name) || NOT_SERVED.has(name)));
  const listed = (values: readonly RegoValue[]) => writeRego(regoSet(values));
  if (unknown.length > 0) throw new BuiltinError(`operand 1 invalid request parameters(s): ${listed(unknown)}`);
  const missing = ["method", "url"].filter((name) => !request.has(name));
  if (missing.length > 0)
    throw new BuiltinError(`operand 1 missing required request parameters(s): ${listed(missing)}`);
  const other = names.filter((name) => typeof name === "string" && NOT_SERVED.has(name));
  if (other.length > 0)
    throw new BuiltinError(`${listed(other)} is not served here: give the certificate or key itself`);
}

type Fields = ReturnType<typeof fieldsOf>;

function fieldsOf(request: RegoObject) {
  const optionalText = (name: string): string | undefined => {
    const value = request.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== "string") throw new BuiltinError(`"${name}" must be a string`);
    return value.replace(/^"+|"+$/g, ""); // as OPA trims all of them
  };
  return {
    optionalText,
    text: (name: string) => optionalText(name) ?? "",
    flag(name: string): boolean {
      const value = request.get(name) ?? false;
      if (typeof value !== "boolean") throw new BuiltinError(`invalid value for "${name}" field`);
      return value;
    },
    count(name: string): number {
      const value = request.get(name);
      if (value === undefined) return 0;
      const count = value instanceof RegoNumber ? Number(integerOf(value.text) ?? -1n) : -1;
      if (!Number.isSafeInteger(count) || count < 0) throw new BuiltinError(`invalid value for field "${name}"`);
      return count;
    },
  };
}

function headersOf(value: RegoValue | undefined): HttpAsk["headers"] {
  if (value === undefined) return [];
  if (!(value instanceof RegoObject)) throw new BuiltinError("invalid type for headers key");
  return [...value.entries()].map(([name, text]) => {
    if (typeof name !== "string" || typeof text !== "string") throw new BuiltinError("invalid type for headers value");
    return [name, text] as const;
  });
}

function bodyOf(request: RegoObject, { optionalText }: Fields): string | undefined {
  const raw = optionalText("raw_body");
  const body = request.get("body");
  return raw ?? (body === undefined ? undefined : writeGoJson(body));
}

/** A number, or a text without a unit, is of nanoseconds. Zero is no limit of its own. */
function timeoutOf(value: RegoValue | undefined, durationNs: (text: string) => number): number | undefined {
  if (value === undefined) return undefined;
  const text = value instanceof RegoNumber ? value.text : value;
  if (typeof text !== "string") throw new BuiltinError("operand 1 'timeout' must be one of {string, number}");
  const whole = integerOf(text);
  const isLong = whole !== undefined && BigInt.asIntN(64, whole) !== whole;
  if (isLong || (whole === undefined && value instanceof RegoNumber)) throw new BuiltinError("invalid timeout value");
  const ns = whole === undefined ? durationNs(text) : Number(whole);
  return ns === 0 ? undefined : Math.max(0, ns / 1e6);
}

function tlsOf({ optionalText, flag }: Fields): AskedTls | undefined {
  if (flag("tls_insecure_skip_verify"))
    throw new BuiltinError('"tls_insecure_skip_verify" is not served here: give the authority by "tls_ca_cert"');
  const pem = (name: string) => optionalText(name)?.replaceAll("\\n", "\n");
  const tls = {
    ca: pem("tls_ca_cert"),
    systemRoots: flag("tls_use_system_certs"),
    cert: pem("tls_client_cert"),
    key: pem("tls_client_key"),
    serverName: optionalText("tls_server_name"),
  };
  if ((tls.cert === undefined) !== (tls.key === undefined))
    throw new BuiltinError('"tls_client_cert" and "tls_client_key" belong together');
  return (tls.ca ?? tls.cert ?? tls.serverName) === undefined ? undefined : tls;
}

function cacheOf(request: RegoObject, { flag, count }: Fields): HttpAsk["cache"] {
  const mode = request.get("caching_mode");
  if (mode !== undefined && mode !== "serialized" && mode !== "deserialized")
    throw new BuiltinError('invalid value for "caching_mode" field');
  if (!flag("force_cache")) return flag("cache") ? { forSeconds: undefined } : undefined;
  if (!request.has("force_cache_duration_seconds"))
    throw new BuiltinError("'force_cache' set but 'force_cache_duration_seconds' parameter is missing");
  const forSeconds = count("force_cache_duration_seconds");
  return { forSeconds: forSeconds === 0 ? undefined : forSeconds };
}

/** Without the headers that are not to tell two requests apart. */
function keyOf(request: RegoObject): RegoObject {
  const [ignored, headers] = [request.get("cache_ignored_headers"), request.get("headers")];
  if (ignored === undefined) return request;
  const names = ignored instanceof RegoSet ? ignored.items : ignored;
  if (!isRegoArray(names)) throw new BuiltinError('"cache_ignored_headers" must be an array');
  if (!(headers instanceof RegoObject)) return request.without("cache_ignored_headers");
  const kept = names.reduce<RegoObject>((left, name) => left.without(name), headers);
  return request.without("cache_ignored_headers").with("headers", kept);
}
