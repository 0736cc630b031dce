/** What every route of this folder is given: the typed fastify instance that it is added to, and the service behind it. */
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type {
  CancelOutcome,
  CancelRequest,
  CloseIncident,
  CloseOutcome,
  OpenIncident,
  OpenOutcome,
  DismissOutcome,
  DismissRecord,
  ReplayOutcome,
  ReplayRecord,
  ReviewOutcome,
  ReviewRequest,
  RevokeGrant,
  RevokeOutcome,
  Submission,
} from "../commands/ports.ts";
import type { AccessRequests } from "./access-requests/profile.ts";
import type { ProblemCode } from "./problem-table.ts";
import type { People, Reads } from "../ports.ts";
import type { IdempotencyKeys, Listings } from "./ports.ts";

export type Rest = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export type RestService = {
  readonly submit: Submission;
  readonly review: (command: ReviewRequest) => Promise<ReviewOutcome>;
  readonly cancel: (command: CancelRequest) => Promise<CancelOutcome>;
  readonly revoke: (command: RevokeGrant) => Promise<RevokeOutcome>;
  readonly openIncident: (command: OpenIncident) => Promise<OpenOutcome>;
  readonly closeIncident: (command: CloseIncident) => Promise<CloseOutcome>;
  readonly replay: (command: ReplayRecord) => Promise<ReplayOutcome>;
  readonly dismiss: (command: DismissRecord) => Promise<DismissOutcome>;
  readonly reads: Reads;
  readonly listings: Listings;
  readonly people: People;
  readonly idempotencyKeys: IdempotencyKeys;
  /** Undefined where the Access Request profile is not offered. */
  readonly accessRequests: AccessRequests | undefined;
};

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a route may say no with, beside what every route may (document.ts). */
    problems?: readonly ProblemCode[];
    /** `type` of those that the profile a route speaks has a name for. */
    problemTypes?: ReadonlyMap<ProblemCode, string>;
    /** A call without a body is taken as well. */
    bodyOptional?: boolean;
    /** Its answers may be large (list-turns.ts). */
    isList?: boolean;
  }
}

export type AddRoute = (rest: Rest, service: RestService) => void;
