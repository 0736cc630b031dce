/**
 * `http.send` and `net.lookup_ip_addr`, as OPA v1.20.2 has them (v1/topdown/http.go, net.go), where configuration lets policies ask the
 * network. They only put the question and read the reply: who performs it, and within which bounds, is not known here (../asks.ts).
 */
import { AppError } from "../../domain/app-error.ts";
import type { HttpReply, Reply } from "../asks.ts";
import { type BuiltinCall, BuiltinError, builtinTable, objectArg, type Pay, stringArg } from "../builtin.ts";
import { parseCounted, TooDeep } from "../rego-value/parse.ts";
import { regoSet } from "../rego-value/order.ts";
import { RegoNumber, RegoObject, type RegoValue, regoInteger } from "../rego-value/value.ts";
import { type HttpSend, httpSendOf } from "./http-send/request.ts";
import { PER_NESTED_VALUE } from "./prices.ts";
import { parseDuration } from "./time.ts";
import { readYaml } from "./yaml/read.ts";

const HTTP_SEND = "http.send";
const LOOKUP = "net.lookup_ip_addr";

/** In fuel, of each character of a body that is read as JSON, as for those of an argument. */
const PER_CHARACTER = 25;

export const NETWORK = builtinTable([
  [
    HTTP_SEND,
    (args, call) => {
      const request = objectArg(args, 0);
      const raises = request.get("raise_error") ?? true;
      if (typeof raises !== "boolean") throw new BuiltinError("invalid value for raise_error field");
      try {
        return send(httpSendOf(request, durationNs(call)), call);
      } catch (error) {
        if (raises || !(error instanceof BuiltinError)) throw error;
        return errorObject(error instanceof AskFailed ? error.code : "internal", error.message);
      }
    },
  ],
  [
    LOOKUP,
    (args, call) => {
      const name = stringArg(args, 0);
      const reply = succeeded(call.reply(LOOKUP, name, { kind: "addresses", name }));
      return reply.kind === "addresses" ? regoSet(reply.addresses) : undefined;
    },
  ],
]);

function send({ ask, key, decodes }: HttpSend, call: BuiltinCall): RegoValue | undefined {
  const reply = succeeded(call.reply(HTTP_SEND, key, ask));
  return reply.kind === "http" ? response(reply, decodes, call.pay) : undefined;
}

class AskFailed extends BuiltinError {
  readonly code: "network" | "internal";
  constructor(code: "network" | "internal", message: string) {
    super(message);
    this.code = code;
  }
}

function succeeded(reply: Reply): Exclude<Reply, { kind: "failed" }> {
  if (reply.kind === "failed") throw new AskFailed(reply.code, reply.message);
  return reply;
}

/** With `raise_error: false`. */
function errorObject(code: "network" | "internal", message: string): RegoObject {
  const error = new RegoObject([
    ["code", `eval_http_send_${code}_error`],
    ["message", message],
  ]);
  return new RegoObject([
    ["status_code", regoInteger(0)],
    ["error", error],
  ]);
}

function response(reply: HttpReply, decodes: HttpSend["decodes"], pay: Pay): RegoObject {
  const { status, statusCode, headers, body } = reply;
  return new RegoObject([
    ["status", status],
    ["status_code", regoInteger(statusCode)],
    ["body", decoded(reply, decodes, pay)],
    ["raw_body", body],
    ["headers", new RegoObject(headers.map(([name, values]) => [name, values]))],
  ]);
}

const JSON_TYPE = /^application\/(?:json|[^/;\s]+\+json)\s*(?:;|$)/i;
const YAML_TYPE = /application\/(?:x-)?yaml/;

/** A body that cannot be decoded is null and no error, as in OPA. */
function decoded({ headers, body }: HttpReply, decodes: HttpSend["decodes"], pay: Pay): RegoValue {
  const type = headers.find(([name]) => name === "content-type")?.[1][0]?.trim() ?? "";
  if (decodes === "json" || JSON_TYPE.test(type)) return orNull(() => jsonOf(body, pay));
  if (decodes === "yaml" || YAML_TYPE.test(type)) return orNull(() => readYaml(body, pay));
  return null;
}

function jsonOf(text: string, pay: Pay): RegoValue {
  pay(text.length * PER_CHARACTER);
  const { value, count } = parseCounted(text, "json");
  pay(count * PER_NESTED_VALUE);
  return value;
}

/** NB: what ends the evaluation passes. */
function orNull(read: () => RegoValue): RegoValue {
  try {
    return read();
  } catch (error) {
    if (error instanceof TooDeep) throw error;
    if (error instanceof BuiltinError || (error instanceof AppError && error.code === "invalid_argument")) return null;
    throw error;
  }
}

/** A timeout has no days, weeks and years, which are no units of Go's. */
function durationNs(call: BuiltinCall): (text: string) => number {
  return (text) => {
    if (/[dwy]/.test(text)) throw new BuiltinError("invalid timeout value");
    const ns = parseDuration([text], call);
    return ns instanceof RegoNumber ? Number(ns.text) : 0;
  };
}
