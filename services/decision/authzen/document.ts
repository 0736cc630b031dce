/**
 * The OpenAPI document of the AuthZEN interface, docs/openapi-decision.json: every route of server.ts with what it takes, all its answers, and an
 * example of each. The specification stays the contract; this describes for OpenAPI tools what is served here. test/contract/http-routes.test.ts
 * compares the server's routes with it, test/integration/decision/authzen-fuzz.test.ts its answers.
 */
import { type TProperties, type TSchema, Type } from "typebox";
import { PROFILE_DOCS } from "../../../core/messages/access-request-profile.ts";
import { metadataPath, PATHS } from "./metadata.ts";
import { BUSY, DECISION_ID, FAULT } from "./say.ts";
import { ActionSearchBody, EvaluationBody, EvaluationsBody, ResourceSearchBody, SubjectSearchBody } from "./schema.ts";

const open = <P extends TProperties>(properties: P) => Type.Object(properties, { additionalProperties: true });
const Text = Type.String({ minLength: 1 });

const Decision = open({ decision: Type.Boolean(), context: Type.Optional(open({})) });
const Decisions = open({ evaluations: Type.Array(Decision) });
const Page = Type.Optional(open({ next_token: Type.String(), count: Type.Optional(Type.Integer()) }));
const Entities = open({ results: Type.Array(open({ type: Text, id: Text })), page: Page });
const Actions = open({ results: Type.Array(open({ name: Text })), page: Page });
const Metadata = open({
  policy_decision_point: Text,
  access_evaluation_endpoint: Text,
  access_evaluations_endpoint: Text,
  capabilities: Type.Optional(Type.Array(Text)),
});
const Jwks = open({ keys: Type.Array(open({ kty: Text, kid: Text })) });

const dana = { type: "user", id: "dana" };
const asked = { subject: dana, action: { name: "delete" }, resource: { type: "file", id: "f1" } };
const denied = {
  decision: false,
  context: {
    ...{ reason: "policy_denied", rules: ["locked"] },
    ...{ evaluation_id: "01930000-0000-7000-8000-000000000001", evaluated_at: "2026-11-24T09:00:00.000Z" },
  },
};

/** Of every call behind authentication: each status, and the sentences that are its body. */
const REFUSED: readonly (readonly [status: string, description: string, sentence: string])[] = [
  ["400", "It is no such request.", "/subject must have required properties id"],
  [
    "401",
    "Nobody says who is calling, or by a credential that does not count.",
    "show who is calling: authentication_required",
  ],
  ["413", "The body is over `api.maxBodyBytes`.", "the body is too large"],
  ["500", "A fault; what it was is in the log.", FAULT.sentence],
  [
    "503",
    "More requests at once than `api.maxInFlight`, too many callers whose token has to be verified, or a search that cannot be done now.",
    BUSY.sentence,
  ],
];
const NOT_AN_ENFORCER = [
  "403",
  "`enforce` by a caller who is no enforcer.",
  "this caller is not configured as an enforcer",
] as const;
const NOTHING_TO_SEARCH = [
  "404",
  "The policy exposes nothing to search.",
  "the policy exposes nothing to search",
] as const;
const OPEN = REFUSED.filter(([status]) => status === "500");

type Operation = {
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  /** Undefined for a GET, which is open to everybody. */
  readonly body?: readonly [schema: TSchema, example: unknown];
  readonly answer: readonly [description: string, schema: TSchema, example: unknown];
  readonly refused: typeof REFUSED;
  /** It has names of the Access Request profile, or is there for it. */
  readonly isOfProfile?: true;
};

const search = (
  sought: "subject" | "resource" | "action",
  body: TSchema,
  [found, example]: readonly [TSchema, unknown],
) =>
  ({
    path: { subject: PATHS.searchSubject, resource: PATHS.searchResource, action: PATHS.searchAction }[sought],
    id: `search_${sought}`,
    summary: `Search by ${sought}: what is allowed of what the policy exposes, page by page.`,
    body: [body, asked],
    answer: ["A page of what is allowed.", found, { results: [example] }],
    refused: [...REFUSED, NOTHING_TO_SEARCH],
  }) satisfies Operation;

/** Of the document: without a path, which would come before every address but that of the metadata. */
const BASE = "https://pdp.example";

const OPERATIONS: readonly Operation[] = [
  {
    path: metadataPath(BASE),
    id: "metadata",
    summary: "What this decision point serves.",
    answer: [
      "Endpoints and capabilities.",
      Metadata,
      {
        policy_decision_point: BASE,
        access_evaluation_endpoint: BASE + PATHS.evaluation,
        access_evaluations_endpoint: BASE + PATHS.evaluations,
      },
    ],
    refused: OPEN,
    isOfProfile: true,
  },
  {
    path: PATHS.jwks,
    id: "jwks",
    summary:
      "By which keys its binding tokens are verified (Access Request profile; where an endpoint for requests is configured).",
    answer: [
      "A JWK Set.",
      Jwks,
      {
        keys: [
          {
            kty: "OKP",
            crv: "Ed25519",
            kid: "pdp-1",
            use: "sig",
            alg: "EdDSA",
            x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
          },
        ],
      },
    ],
    refused: OPEN,
    isOfProfile: true,
  },
  {
    path: PATHS.evaluation,
    id: "evaluation",
    summary: "One decision. A denial is a 200 too.",
    body: [EvaluationBody, asked],
    answer: ["The decision, and of a denial why.", Decision, denied],
    refused: [...REFUSED, NOT_AN_ENFORCER],
    isOfProfile: true,
  },
  {
    path: PATHS.evaluations,
    id: "evaluations",
    summary: "Several decisions; without items a single one, as of `evaluation`.",
    body: [EvaluationsBody, { ...asked, evaluations: [{ action: { name: "read" } }, {}] }],
    answer: [
      "Decisions in the order of the items.",
      Type.Union([Decisions, Decision]),
      { evaluations: [{ decision: true }, { decision: false }] },
    ],
    refused: [...REFUSED, NOT_AN_ENFORCER],
  },
  search("subject", SubjectSearchBody, [Entities, dana]),
  search("resource", ResourceSearchBody, [Entities, asked.resource]),
  search("action", ActionSearchBody, [Actions, asked.action]),
];

const header = (description: string) => ({ description, schema: { type: "string" } });
/** Of one evaluation, by itself or as `evaluations` without items. */
const DECISION_ID_OF = new Set(["evaluation", "evaluations"]);
const X_REQUEST_ID = { "x-request-id": header("The one that was sent, or a new one.") };

function described({ id, summary, body, answer, refused, isOfProfile }: Operation): object {
  const [description, schema, example] = answer;
  const told = refused.map(([status, why, sentence]) => [
    status,
    {
      description: why,
      headers: {
        ...X_REQUEST_ID,
        ...(status === "401" ? { "www-authenticate": header("That a bearer token is wanted.") } : {}),
        ...(status === "503" ? { "retry-after": header("Seconds to wait.") } : {}),
      },
      content: { "text/plain": { schema: { type: "string" }, example: sentence } },
    },
  ]);
  return {
    operationId: id,
    summary,
    ...(isOfProfile === true ? { externalDocs: PROFILE_DOCS } : {}),
    ...(body === undefined ? { security: [] } : {}),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: body[0], example: body[1] } } } }),
    responses: {
      "200": {
        description,
        headers: {
          ...X_REQUEST_ID,
          ...(DECISION_ID_OF.has(id)
            ? { [DECISION_ID]: header("Of one evaluation: under it the decision is on record.") }
            : {}),
        },
        content: { "application/json": { schema, example } },
      },
      ...Object.fromEntries(told),
    },
  };
}

export function openapiDocument(): object {
  const paths = OPERATIONS.map((operation) => [
    operation.path,
    { [operation.body === undefined ? "get" : "post"]: described(operation) },
  ]);
  return {
    openapi: "3.1.0",
    info: {
      title: "Countersign decision service: AuthZEN",
      description:
        "OpenID AuthZEN Authorization API 1.0 as it is served here (docs/authzen.md). What a body has beside what is named is ignored. Errors are a sentence.",
      version: "1",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    components: {
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description: "A service token of `api.clients`, or a token of a configured issuer.",
        },
      },
    },
    security: [{ token: [] }],
    paths: Object.fromEntries(paths),
  };
}
