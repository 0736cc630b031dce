/**
 * `providers.aws.sign_req`: adds the headers of an AWS Signature Version 4 to a request object. Nothing is sent; the time
 * of the signature is an argument. The request has to be one that `http.send` would take.
 */
import { createHash, createHmac } from "node:crypto";
import { booleanArg, type Builtin, BuiltinError, builtinTable, integerArg, objectArg, stringArg } from "../builtin.ts";
import { bytesOfText } from "../rego-value/bytes.ts";
import { RegoObject, type RegoValue } from "../rego-value/value.ts";
import { writeGoJson } from "../rego-value/write.ts";
import { escapedPath, parseGoUrl } from "./go-url.ts";

const REQUEST_KEYS = new Set(
  ["method", "url", "body", "raw_body", "headers", "enable_redirect", "force_json_decode", "force_yaml_decode"].concat(
    ["tls_use_system_certs", "tls_ca_cert", "tls_ca_cert_file", "tls_ca_cert_env_variable", "tls_client_cert"],
    ["tls_client_cert_file", "tls_client_cert_env_variable", "tls_client_key", "tls_client_key_file"],
    ["tls_client_key_env_variable", "tls_insecure_skip_verify", "tls_server_name", "timeout", "cache", "force_cache"],
    ["force_cache_duration_seconds", "raise_error", "caching_mode", "max_retry_attempts", "cache_ignored_headers"],
  ),
);
const UNSIGNED_HEADERS = new Set(["authorization", "user-agent", "x-amzn-trace-id"]);
const MAX_INT64 = 2n ** 63n;

const signRequest: Builtin = (args) => {
  const request = objectArg(args, 0);
  const config = objectArg(args, 1);
  const [service, accessKey, secretKey, region] = [
    textOf(config, "aws_service"),
    textOf(config, "aws_access_key"),
    textOf(config, "aws_secret_access_key"),
    textOf(config, "aws_region"),
  ];
  const { day, moment } = timestamp(integerArg(args, 2));
  for (const [key] of request.entries()) {
    if (typeof key !== "string" || !REQUEST_KEYS.has(key)) throw new BuiltinError("invalid request parameter");
  }
  const url = parseGoUrl(textOf(request, "url"));
  const method = textOf(request, "method");
  const given = objectArg([request.get("headers") ?? new RegoObject([])], 0);
  const content = booleanArg([config.get("disable_payload_signing") ?? false], 0)
    ? "UNSIGNED-PAYLOAD"
    : createHash("sha256").update(bodyOf(request)).digest("hex");

  const added = new Map([
    ["host", url.host],
    ["x-amz-date", moment],
  ]);
  if (service === "s3" || service === "glacier") added.set("x-amz-content-sha256", content);
  const session = optionalText(config.get("aws_session_token"));
  if (session !== "") added.set("x-amz-security-token", session);

  const toSign = new Map(added);
  const headers = [...given.entries()].map(([key, value]) => [optionalText(key), optionalText(value)] as const);
  for (const [key, value] of headers)
    if (!UNSIGNED_HEADERS.has(key.toLowerCase())) toSign.set(key.toLowerCase(), value);
  const names = [...toSign.keys()].sort();
  const lines = names.map((name) => `${name}:${toSign.get(name) ?? ""}\n`).join("");
  const canonical = [method, escapedPath(url), url.rawQuery, lines, names.join(";"), content].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const digest = createHash("sha256").update(bytesOfText(canonical)).digest("hex");
  const toKey = [region, service, "aws4_request", `AWS4-HMAC-SHA256\n${moment}\n${scope}\n${digest}`];
  const first = hmac(bytesOfText(`AWS4${secretKey}`), day);
  const signature = toKey.reduce(hmac, first).toString("hex");
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope},SignedHeaders=${names.join(";")},Signature=${signature}`;
  const signed = new RegoObject([...headers, ["Authorization", authorization], ...added]);
  return new RegoObject([...request.entries(), ["headers", signed]]);
};

function hmac(key: Uint8Array, message: string): Buffer {
  return createHmac("sha256", key).update(bytesOfText(message)).digest();
}

function bodyOf(request: RegoObject): Uint8Array {
  const raw = request.get("raw_body");
  if (raw !== undefined) return bytesOfText(optionalText(raw));
  const body = request.get("body");
  return bytesOfText(body === undefined ? "" : writeGoJson(body));
}

function timestamp(ns: bigint): { readonly day: string; readonly moment: string } {
  if (ns < -MAX_INT64 || ns >= MAX_INT64) throw new BuiltinError("time_ns is not a timestamp");
  const seconds = ns / 1_000_000_000n - (ns % 1_000_000_000n < 0n ? 1n : 0n);
  const moment = new Date(Number(seconds) * 1000).toISOString().replace(/\.\d+|[-:]/g, "");
  return { day: moment.slice(0, 8), moment };
}

function textOf(object: RegoObject, key: string): string {
  return stringArg([object.get(key) ?? null], 0);
}

function optionalText(value: RegoValue | undefined): string {
  return typeof value === "string" ? value : "";
}

export const AWS_SIGNING = builtinTable([["providers.aws.sign_req", signRequest]]);
