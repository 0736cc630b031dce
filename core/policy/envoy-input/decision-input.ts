/**
 * The input document of one decision, as JSON text: everything opa-envoy-plugin gives, field for field (only populated
 * fields, numbers as numbers, bytes as base64), and AuthZEN's subject, action, resource and context. Native mode: headers
 * are derived from the raw list, the body from raw bytes. What cannot be described is a fault: deny
 * `request_parse_error`, HTTP 400, as the plugin.
 *
 * A question that came by API brings its own entities. NB: what the caller states of the context stands under
 * `context.stated`, and `issuer`, `groups`, `claims`, `actors` of the subject are those of the account that it was found to
 * be: nothing stated can stand where a policy looks for what the host gathered.
 */
import type { Question } from "../../domain/question.ts";
import type { Json, Subject } from "../../domain/subject.ts";
import { RegoObject } from "../rego-value/value.ts";
import { writeJson, writePlainJson } from "../rego-value/write.ts";
import { createAttributes, type EnforcedCall } from "./attributes.ts";
import { parseBody } from "./parsed-body.ts";
import { parsePath } from "./parsed-path.ts";

/** `time` (RFC 3339), `source_address`, `state: {fresh}` and whatever else was gathered. */
export type DecisionContext = { readonly [name: string]: Json };

export type DescribedCall = {
  readonly call: EnforcedCall;
  /** By API, instead of a call that an enforcer stopped. */
  readonly question?: Question | undefined;
};

export type DecisionInputText =
  | { readonly kind: "input"; readonly json: string }
  | { readonly kind: "fault"; readonly detail: string };

/** @param reads what the policy reads, where that is known: the rest is left out, `attributes` being most of a request's text */
export function createDecisionInput(
  { call, question }: DescribedCall,
  subject: Subject | undefined,
  context: DecisionContext,
  reads?: ReadonlySet<string>,
): DecisionInputText {
  const { http } = call;
  const path = parsePath(http === undefined ? "" : http.path + http.query);
  if (path.kind === "fault") return { kind: "fault", detail: path.message };
  const bytes = http?.body.kind === "bytes" ? http.body.bytes : undefined;
  const body = parseBody({ get: (name) => http?.headers.get(name)?.join(",") }, bytes);
  if (body.kind === "fault") return { kind: "fault", detail: body.message };
  const principal = call.source?.principal ?? "";
  // Written member by member: the whole as one value would be walked twice more. NB: each text passes through one of the two writers.
  const members: readonly (readonly [name: string, text: () => string])[] = [
    ["version", () => `{"ext_authz":"v3","encoding":"protojson"}`],
    ["attributes", () => writePlainJson(createAttributes(call))],
    ["parsed_path", () => writeJson(path.segments)],
    ["parsed_query", () => writeJson(new RegoObject(path.query.entries()))],
    ["parsed_body", () => writeJson(body.body)],
    ["truncated_body", () => String(body.truncated || http?.body.kind === "partial")],
    ...(principal === "" ? [] : [["source_principal", () => writePlainJson(principal)] as const]),
    ["subject", () => (question === undefined ? subjectText(subject) : statedSubject(question, subject))],
    ["action", () => writePlainJson(question?.action ?? { name: http?.method ?? "connect" })],
    ["resource", () => writePlainJson(question?.resource ?? resource(call))],
    ["context", () => writePlainJson(question === undefined ? context : { ...context, stated: question.context })],
  ];
  const read = members.filter(([name]) => reads?.has(name) !== false).map(([name, text]) => `"${name}":${text()}`);
  return { kind: "input", json: `{${read.join(",")}}` };
}

/** An account stays the same object as long as its token is remembered, so its text is written once for many calls. */
const subjectTexts = new WeakMap<Subject, string>();
const ANONYMOUS = subjectDocument({ type: "anonymous", id: "", issuer: "", groups: [], claims: {}, actors: [] });

function subjectText(subject: Subject | undefined): string {
  if (subject === undefined) return ANONYMOUS;
  const known = subjectTexts.get(subject);
  if (known !== undefined) return known;
  const text = subjectDocument({ type: "user", ...subject });
  subjectTexts.set(subject, text);
  return text;
}

function statedSubject({ subject: { type, id, properties } }: Question, subject: Subject | undefined): string {
  const { issuer, groups, claims, actors } = subject ?? { issuer: "", groups: [], claims: {}, actors: [] };
  return writePlainJson({ type, id, properties: { ...properties, issuer, groups, claims, actors } });
}

function subjectDocument({ type, id, issuer, groups, claims, actors }: Subject & { readonly type: string }): string {
  return writePlainJson({ type, id, properties: { issuer, groups, claims, actors } });
}

function resource({ http, destination }: EnforcedCall): Json {
  if (http === undefined) {
    const id = destination?.service || destination?.address || "";
    return { type: "tcp_connection", id, properties: {} };
  }
  const { scheme, authority, path } = http;
  return { type: "http_request", id: authority + path, properties: { scheme, authority, path } };
}
