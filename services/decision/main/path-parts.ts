/** What the two ways to decide, native and compatibility mode, provide to run-service.ts, and what it gives both. */
import type { Bundles } from "../../../core/policy/bundles/start-bundles.ts";
import type { Identify } from "../../../core/identity/identify.ts";
import type { Issuers } from "../../../core/identity/issuers.ts";
import type { Certificates } from "../../../platform/config/certificates.ts";
import type { CheckResult } from "../../../platform/http/ops-server.ts";
import type { Running } from "../../../platform/lifecycle/run-program.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import type { Traces } from "../../../platform/traces/traces.ts";
import type { DecisionConfig } from "../config.ts";
import type { Candidates, GrantLookup } from "../authzen/ports.ts";
import type { Evaluate } from "../ports.ts";
import type { Check, EdgeDeps } from "../ext-authz/edge.ts";
import type { SigningKey } from "./signing-key.ts";

/** Its check behind the shared edge, and what it adds to readiness and to the first line of the log. */
export type DecisionPath = {
  readonly api?: ApiPath;
  /** Of the policy that decides now; undefined before the first one. */
  revision(): string | undefined;
  readonly bundles: Pick<Bundles, "describe" | "reload">;
  /** What it tells operators beside the bundle, by path. */
  readonly documents: readonly (readonly [string, (query: URLSearchParams) => object | string | undefined])[];
  check(edge: EdgeDeps): Check;
  readonly checks: readonly (readonly [string, () => CheckResult])[];
  readonly started: { readonly [name: string]: unknown };
  /** Resolves, with how it came to it, when checks may be served. */
  ready(): Promise<string>;
  /** Whether they may now: what it needs can end while it serves. */
  canJudge(): boolean;
};

/** What the API needs of the path: native mode alone has it. */
export type ApiPath = {
  readonly evaluate: Evaluate;
  readonly candidates: Candidates;
  readonly identity: Pick<Identify, "identifyInTurn">;
  /** Of callers of the API how many may wait at once until their token is verified, behind those of checks. */
  readonly mostUnknown: number;
  readonly issuers: Issuers;
  readonly grants: GrantLookup;
};

/** What exists before either is constructed. */
export type SharedParts = Running<DecisionConfig> &
  Pick<EdgeDeps, "readClocks" | "faults" | "sourceAddress"> & {
    readonly certificates: Certificates;
    readonly stream: EventStream;
    readonly signingKey: SigningKey;
    readonly traces: Traces | undefined;
  };
