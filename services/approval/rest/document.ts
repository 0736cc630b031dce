/**
 * The parts of the OpenAPI document beside the routes: title, the bearer token, the problems that every route may answer, and an example of every
 * answer. A route names its own problems (`config.problems`); answers of one status are grouped, each with its example.
 */
import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import { PROFILE_DOCS } from "../../../core/messages/access-request-profile.ts";
import { PROFILE } from "./access-requests/profile.ts";
import { EXAMPLE_REQUEST_ID, EXAMPLES } from "./examples.ts";
import { HEADERS } from "./response-headers.ts";
import { PROBLEM_TYPE, problemBody } from "./problem.ts";
import { isProblemCode, PROBLEMS, type ProblemCode } from "./problem-table.ts";

type Options = FastifyDynamicSwaggerOptions;

export const DOCUMENT: NonNullable<Options["openapi"]> = {
  openapi: "3.1.0",
  info: {
    title: "Countersign approval service",
    description:
      "Submit a denial, review a request, use and revoke a grant, read the record. Errors are problem+json; their codes are in docs/problems.md and below /v1/problems.",
    version: "1",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  components: {
    securitySchemes: { token: { type: "http", scheme: "bearer", description: "A token of a configured issuer." } },
  },
  security: [{ token: [] }],
  tags: PROFILE.tags.map((name) => ({ name, externalDocs: PROFILE_DOCS })),
};

const ANYWHERE: readonly ProblemCode[] = [
  "invalid_request",
  "method_not_allowed",
  "request_too_slow",
  "headers_too_large",
  "internal_error",
];
const BEHIND_A_TOKEN: readonly ProblemCode[] = [
  "authentication_required",
  "credential_malformed",
  "credential_issuer_unknown",
  "credential_key_unknown",
  "credential_algorithm_refused",
  "credential_signature_invalid",
  "credential_audience_wrong",
  "credential_expired",
  "credential_not_yet_valid",
  "credential_claims_invalid",
  "credential_type_wrong",
  "credential_certificate_wrong",
  "keys_unavailable",
  "too_many_requests",
  "unavailable",
];
const OF_A_WRITE: readonly ProblemCode[] = [
  "too_large",
  "unsupported_media_type",
  "conflict",
  "idempotency_key_reused",
  "idempotency_key_in_use",
];

/** Leaves for `completeDocument` what a schema has no place for: the problems of an operation, their types, and that its body may be absent. */
export const documentTransform: NonNullable<Options["transform"]> = ({ schema, url, route }) => {
  const codes = [
    ...ANYWHERE,
    ...(schema.security === undefined ? BEHIND_A_TOKEN : []),
    ...(schema.headers === undefined ? [] : OF_A_WRITE),
    ...(route.config?.problems ?? []),
  ];
  const { problemTypes, bodyOptional } = route.config ?? {};
  const left = { "x-problems": codes, "x-problem-types": problemTypes, "x-body-optional": bodyOptional };
  return { schema: { ...schema, ...left }, url };
};

/** Gives every answer of every operation its description, headers and examples. @throws for an operation without an example. */
export const completeDocument: NonNullable<Options["transformObject"]> = (document) => {
  const whole = "openapiObject" in document ? document.openapiObject : document.swaggerObject;
  for (const item of Object.values(whole.paths ?? {})) {
    for (const operation of Object.values(item ?? {})) if (isJson(operation)) completeOperation(operation);
  }
  return whole;
};

type Json = { [name: string]: unknown };

function completeOperation(operation: Json): void {
  const { operationId: name, responses, "x-problems": codes, "x-problem-types": types } = operation;
  if (typeof name !== "string" || !isJson(responses) || !Array.isArray(codes))
    throw new Error("not an operation of ours");
  if (operation["x-body-optional"] === true) Object.assign(Object(operation["requestBody"]), { required: false });
  for (const left of ["x-problems", "x-problem-types", "x-body-optional"]) delete operation[left];
  for (const [status, response] of Object.entries(responses)) {
    const example = EXAMPLES.get(`${name} ${status}`);
    const content =
      isJson(response) && isJson(response["content"]) ? response["content"]["application/json"] : undefined;
    if (example === undefined || !isJson(content)) throw new Error(`${name} has no example of its ${status}`);
    responses[status] = {
      description: example.description,
      headers: headersOf(...(example.headers ?? [])),
      content: { "application/json": { ...content, example: example.value } },
    };
  }
  const byStatus = Map.groupBy(codes.filter(isProblemCode), (code) => PROBLEMS[code].status);
  for (const [status, those] of byStatus)
    responses[String(status)] = problemsOf(those, types instanceof Map ? types : new Map());
}

function problemsOf(codes: readonly ProblemCode[], types: ReadonlyMap<unknown, unknown>): Json {
  const titles = new Set(codes.map((code) => PROBLEMS[code].title));
  const waits = codes.some((code) => PROBLEMS[code].retryAfterS !== undefined);
  const isMethod = codes.includes("method_not_allowed");
  const isUnauthorized = codes.some((code) => PROBLEMS[code].status === 401);
  const examples = codes.map((code) => {
    const type = types.get(code);
    const value = problemBody(code, EXAMPLE_REQUEST_ID, typeof type === "string" ? { type } : {});
    return [code, { summary: PROBLEMS[code].title, value }];
  });
  return {
    description: `${[...titles].join(". ")}.`,
    headers: headersOf(
      ...(isMethod ? ["allow" as const] : []),
      ...(waits ? ["retry-after" as const] : []),
      ...(isUnauthorized ? ["www-authenticate" as const] : []),
    ),
    content: {
      [PROBLEM_TYPE]: {
        schema: { $ref: "#/components/schemas/Problem" },
        examples: Object.fromEntries(examples),
      },
    },
  };
}

function headersOf(...names: readonly (keyof typeof HEADERS)[]): Json {
  return Object.fromEntries((["x-request-id", ...names] as const).map((name) => [name, HEADERS[name]]));
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
