/**
 * The input document of one decision, as JSON text: everything opa-envoy-plugin gives, field for field (only populated fields, numbers as
 * numbers, bytes as base64), and AuthZEN's subject, action, resource and context. In native mode headers are derived from the raw list, the body
 * from raw bytes. What cannot be described is a fault: deny `request_parse_error`, HTTP 400, as in the plugin; and so, unlike there, is a path
 * that an upstream could read differently.
 *
 * A question that came by the API brings its own entities. NB: context that the caller states is put under `context.stated`, and `issuer`,
 * `groups`, `claims`, `actors` of the subject are those of the identified account: nothing stated can appear where a policy looks for what the
 * host gathered.
 */
import type { Question } from "../../domain/question.ts";
import type { Json, Subject } from "../../domain/subject.ts";
import { type ParsedQuery, parseGoQuery } from "../go-query.ts";
import { type InputReads, onlyRead } from "../input-reads.ts";
import { RegoObject } from "../rego-value/value.ts";
import { writeJson, writePlainJson } from "../rego-value/write.ts";
import { ambiguityOf } from "./ambiguous-target.ts";
import { createAttributes, type EnforcedCall } from "./attributes.ts";
import { type ParsedBody, parseBody } from "./parsed-body.ts";
import { type ParsedPath, parsePath } from "./parsed-path.ts";

/** `time` (RFC 3339), `source_address`, `state: {fresh}` and whatever else was gathered. */
type DecisionContext = { readonly [name: string]: Json };

export type DescribedCall = {
  readonly call: EnforcedCall;
  /** By API, instead of a call that an enforcer stopped. */
  readonly question?: Question | undefined;
};

export type DecisionInputText =
  | { readonly kind: "input"; readonly json: string }
  | { readonly kind: "fault"; readonly detail: string };

/**
 * @param reads what the policy reads, where that is known: the rest is left out, `attributes` being most of a request's text. A query or a body that
 * is not read is not parsed either, so one that cannot be is no fault then; what a denial depends on always is, or nothing could be denied by it. For the
 * same reason a body of which a part was sent is a fault for a policy that reads what it says and not whether it is whole.
 */
export function createDecisionInput(
  { call, question }: DescribedCall,
  subject: Subject | undefined,
  context: DecisionContext,
  reads?: InputReads,
): DecisionInputText {
  const { http } = call;
  const isRead = (name: string) => reads === undefined || reads.has(name);
  const ambiguity = http && ambiguityOf(http);
  if (ambiguity !== undefined) return { kind: "fault", detail: ambiguity };
  const path = http === undefined ? NO_PATH : parsePath(http.path);
  if (path.kind === "fault") return { kind: "fault", detail: `path: ${path.message}` };
  const query = http !== undefined && isRead("parsed_query") ? parseGoQuery(http.query.slice(1)) : NO_QUERY;
  if (query.kind === "fault") return { kind: "fault", detail: `query: ${query.message}` };
  const body = http !== undefined && (isRead("parsed_body") || isRead("truncated_body")) ? bodyOf(http) : NO_BODY;
  if (body.kind === "fault") return { kind: "fault", detail: `body: ${body.message}` };
  const isCut = body.truncated || http?.body.kind === "partial";
  if (isCut && isRead("parsed_body") && reads?.has("truncated_body") !== true)
    return { kind: "fault", detail: "body: a part of it was sent, and the policy does not read truncated_body" };
  const known = { call, question, subject, context, path, query, body, isCut };
  let json = "";
  for (const [name, textOf] of MEMBERS) {
    const text = isRead(name) ? textOf(known, reads?.get(name)) : undefined;
    if (text !== undefined) json += `${json === "" ? "{" : ","}"${name}":${text}`;
  }
  return { kind: "input", json: json === "" ? "{}" : `${json}}` };
}

const NO_PATH = parsePath("");
const NO_QUERY = parseGoQuery("");
const NO_BODY = parseBody(new Map(), undefined);

function bodyOf({ headers, body }: NonNullable<EnforcedCall["http"]>): ParsedBody {
  const bytes = body.kind === "bytes" ? body.bytes : undefined;
  return parseBody({ get: (name) => headers.get(name)?.join(",") }, bytes);
}

type Known = DescribedCall & {
  readonly subject: Subject | undefined;
  readonly context: DecisionContext;
  readonly path: Extract<ParsedPath, { kind: "parsed" }>;
  readonly query: Extract<ParsedQuery, { kind: "parsed" }>;
  readonly body: Extract<ParsedBody, { kind: "parsed" }>;
  readonly isCut: boolean;
};

type TextOf = (known: Known, reads: InputReads | undefined) => string | undefined;

/**
 * Written member by member: the whole as one value would be walked twice more. Undefined where there is none. `reads`: what is read of the member.
 * NB: each text passes through one of the two writers.
 */
const MEMBERS: readonly (readonly [name: string, textOf: TextOf])[] = [
  ["version", () => `{"ext_authz":"v3","encoding":"protojson"}`],
  ["attributes", ({ call }, reads) => readText(createAttributes(call), reads)],
  ["parsed_path", ({ path }) => writeJson(path.segments)],
  ["parsed_query", ({ query }) => writeJson(new RegoObject(query.values.entries()))],
  ["parsed_body", ({ body }) => writeJson(body.body)],
  ["truncated_body", ({ isCut }) => String(isCut)],
  ["source_principal", ({ call }) => (call.source?.principal ? writePlainJson(call.source.principal) : undefined)],
  [
    "subject",
    ({ question, subject }, reads) =>
      question ? readText(statedSubject(question, subject), reads) : subjectText(subject, reads),
  ],
  [
    "action",
    ({ question, call }, reads) => readText(question?.action ?? { name: call.http?.method ?? "connect" }, reads),
  ],
  ["resource", ({ question, call }, reads) => readText(question?.resource ?? resource(call), reads)],
  [
    "context",
    ({ question, context }, reads) => readText(question ? { ...context, stated: question.context } : context, reads),
  ],
];

function readText(value: Json, reads: InputReads | undefined): string {
  return writePlainJson(onlyRead(value, reads));
}

/** An account stays the same object as long as its token is remembered, so its text is written once for many calls. */
const subjectTexts = new WeakMap<Subject, { readonly reads: InputReads | undefined; readonly text: string }>();
const ANONYMOUS: Subject = { id: "", issuer: "", groups: [], claims: {}, actors: [] };

function subjectText(subject: Subject = ANONYMOUS, reads: InputReads | undefined): string {
  const known = subjectTexts.get(subject);
  // Of one policy they are one object: another one is a bundle that was swapped in, or tried beside it.
  if (known !== undefined && known.reads === reads) return known.text;
  const { id, issuer, groups, claims, actors } = subject;
  const type = subject === ANONYMOUS ? "anonymous" : "user";
  const text = readText({ type, id, properties: { issuer, groups, claims, actors } }, reads);
  subjectTexts.set(subject, { reads, text });
  return text;
}

function statedSubject({ subject: { type, id, properties } }: Question, subject: Subject | undefined): Json {
  const { issuer, groups, claims, actors } = subject ?? ANONYMOUS;
  return { type, id, properties: { ...properties, issuer, groups, claims, actors } };
}

function resource({ http, destination }: EnforcedCall): Json {
  if (http === undefined) {
    const id = destination?.service || destination?.address || "";
    return { type: "tcp_connection", id, properties: {} };
  }
  const { scheme, authority, path } = http;
  return { type: "http_request", id: authority + path, properties: { scheme, authority, path } };
}
