/** What each program of the one-machine set is configured with: the same keys as in production, other values. */
import { join } from "node:path";
import type { IssuerConfig } from "../../core/identity/issuers.ts";
import type { DataFolder } from "./data-folder.ts";
import type { DatabaseUrls } from "./database.ts";
import { isReplaced, isSection, type OwnSettings } from "./own-settings.ts";
import type { Ports } from "./ports.ts";

const BUNDLE = join(import.meta.dirname, "../../rego/bundle");
const DEPLOYMENT = "one-machine";
const REALM = "example";
/** A name, and no address: grants are for an account of this issuer, whatever port it gets at the next start. */
const ISSUER = "http://127.0.0.1:8083";

type Plan = {
  readonly data: DataFolder;
  readonly database: DatabaseUrls;
  readonly ports: Ports;
  /** Where notifications go. */
  readonly webhookUrl: string;
  readonly own: OwnSettings;
};

export type ProgramPlan = {
  readonly name: string;
  /** From the root of the project. */
  readonly main: string;
  readonly config: object;
  readonly env: Readonly<Record<string, string>>;
  readonly readyUrl: string;
};

type WithoutDatabase = Pick<Plan, "data" | "ports" | "own">;

/** Programs that need no database. */
export function plansBesides(plan: WithoutDatabase): readonly ProgramPlan[] {
  const replaced = isReplaced(plan.own);
  return [...(replaced.issuer ? [] : [issuer(plan)]), ...(replaced.orders ? [] : [orders(plan)]), gateway(plan)];
}

/** The two services. */
export function servicePlans(plan: Plan): readonly ProgramPlan[] {
  return [approval(plan), decision(plan)];
}

/** Names, in the order in which they end: the enforcer first, so that nothing is asked of what is about to end. */
export const ENDING = ["gateway", "decision", "approval", "orders", "issuer"];

const at = (port: number, path = "") => `http://127.0.0.1:${port}${path}`;

function issuer({ data, ports }: WithoutDatabase): ProgramPlan {
  return {
    name: "issuer",
    main: "sample/token-issuer/main.ts",
    config: { port: ports.issuer, issuer: ISSUER, keyFolder: join(data.path, "issuer-key") },
    env: {},
    readyUrl: at(ports.issuer, "/healthz"),
  };
}

function orders({ ports }: WithoutDatabase): ProgramPlan {
  return {
    name: "orders",
    main: "sample/orders-api/main.ts",
    config: { listen: { port: ports.orders } },
    env: {},
    readyUrl: at(ports.orders, "/healthz"),
  };
}

function approval({ data, database, ports, webhookUrl, own }: Plan): ProgramPlan {
  return {
    name: "approval",
    main: "services/approval/main.ts",
    config: {
      deployment: DEPLOYMENT,
      ...own.approval,
      rest: { ...section(own.approval["rest"]), port: ports.rest },
      redemption: { port: ports.redemption },
      ops: { port: ports.approvalOps },
      database: { migrate: true },
      stream: { kind: "postgres" },
      bundle: own.approval["bundle"] ?? { path: BUNDLE, unsigned: "accepted" },
      ...(own.approval["identity"] === undefined
        ? {
            // NB: the orders API receives the callers' tokens, and must not be able to show one of them here.
            identity: identity(data, ports, "countersign", { other_audiences: "refused" }),
            roles: { security: [{ issuer: ISSUER, group: "security" }] },
          }
        : { identity: ownIdentity(data, "countersign", own.approval["identity"]) }),
      signing: { kid: data.approvalKey.kid, keyPath: data.approvalKey.privatePath },
      decisionServices: { trustedKeys: { [data.decisionKey.kid]: data.decisionKey.publicPath } },
      webhook: own.approval["webhook"] ?? { url: webhookUrl, allowedRanges: ["127.0.0.1/32"] },
    },
    env: {
      DATABASE_URL: database.url,
      COUNTERSIGN_STREAM_URL: database.url,
      COUNTERSIGN_REDEMPTION_SERVICE_TOKEN: data.serviceToken,
      COUNTERSIGN_WEBHOOK_SECRET: data.webhookSecret,
    },
    readyUrl: at(ports.approvalOps, "/readyz"),
  };
}

function decision({ data, database, ports, own }: Plan): ProgramPlan {
  return {
    name: "decision",
    main: "services/decision/main.ts",
    config: {
      deployment: DEPLOYMENT,
      development: { keepInputs: 100 },
      ...own.decision,
      logLevel: "debug",
      listen: { port: ports.decision },
      // The gateway has ended by then (ENDING), and probes nothing.
      noticeMs: 0,
      ops: { port: ports.decisionOps },
      bundle: own.decision["bundle"] ?? { path: BUNDLE, unsigned: "accepted" },
      identity:
        own.decision["identity"] === undefined
          ? identity(data, ports, "orders")
          : ownIdentity(data, "orders", own.decision["identity"]),
      signing: { kid: data.decisionKey.kid, keyPath: data.decisionKey.privatePath },
      state: { trustedKeys: { [data.approvalKey.kid]: data.approvalKey.publicPath } },
      stream: { kind: "postgres" },
      redemption: { address: `127.0.0.1:${ports.redemption}` },
      decisionLog: { folder: join(data.path, "decision-log") },
      denials: { requestUrl: at(ports.rest, "/v1/requests") },
    },
    env: {
      COUNTERSIGN_STREAM_URL: database.decisionUrl,
      COUNTERSIGN_REDEMPTION_SERVICE_TOKEN: data.serviceToken,
    },
    readyUrl: at(ports.decisionOps, "/readyz"),
  };
}

function gateway({ ports, own }: WithoutDatabase): ProgramPlan {
  const upstream = at(ports.orders);
  return {
    name: "gateway",
    main: "enforcers/node/main.ts",
    config: {
      ...own.gateway,
      listen: { ...section(own.gateway["listen"]), port: ports.gateway },
      ops: { port: ports.gatewayOps },
      authorization: { address: `127.0.0.1:${ports.decision}` },
      routes: own.gateway["routes"] ?? [
        { prefix: "/refunds", upstream, body: "buffered" },
        { prefix: "/orders", upstream, body: "buffered" },
        { prefix: "/", upstream, body: "streamed" },
      ],
    },
    env: {},
    readyUrl: at(ports.gatewayOps, "/readyz"),
  };
}

function identity(data: DataFolder, ports: Ports, audience: string, more: Pick<IssuerConfig, "other_audiences"> = {}) {
  const trusted: IssuerConfig = {
    issuer: ISSUER,
    audience: [audience],
    ...more,
    algorithms: ["EdDSA"],
    typ: "at+jwt",
    jwks_uri: at(ports.issuer, "/jwks.json"),
    person: { realm: REALM, claim: "email", ignore_case: true },
  };
  return { issuers: [trusted], keyFolder: keyFolder(data, audience), defaultRealm: REALM };
}

/** What is no section is left for the program to refuse. */
function ownIdentity(data: DataFolder, name: string, given: unknown): unknown {
  return isSection(given) ? { keyFolder: keyFolder(data, name), ...given } : given;
}

function section(given: unknown): object {
  return isSection(given) ? given : {};
}

const keyFolder = (data: DataFolder, name: string) => join(data.path, `key-sets-${name}`);
