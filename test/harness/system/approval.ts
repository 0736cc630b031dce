/** The approval service as a process. */
import { clientOfServices } from "../kafka.ts";
import { join } from "node:path";
import { freePort } from "../free-port.ts";
import { type Issuer, REALM } from "./issuer.ts";
import type { KeyPairFiles } from "./key-pair.ts";
import { createProgram, type Program } from "./program.ts";
import { placeServiceToken } from "./service-token.ts";

const BUNDLE = join(import.meta.dirname, "../../../rego/bundle");

/** Of Standard Webhooks: what the webhook's receiver checks signatures with. */
export const WEBHOOK_SECRET = `whsec_${Buffer.from("CANARY0 of the webhooks, 32 bytes").toString("base64")}`;

export type Approval = Program & {
  /** Of the REST interface. */
  readonly url: string;
  /** `/healthz`, `/readyz` and `/metrics`. */
  readonly opsUrl: string;
};

export type ApprovalPorts = { readonly rest: number; readonly redemption: number; readonly ops: number };

type ApprovalTerms = {
  readonly folder: string;
  readonly name: string;
  readonly deployment: string;
  readonly ports: ApprovalPorts;
  readonly signing: KeyPairFiles;
  readonly decisionKeys: readonly KeyPairFiles[];
  /** `security` of the first one sees everything. */
  readonly issuers: readonly Issuer[];
  readonly brokers: readonly string[];
  /** A stream in Postgres in place of the brokers. */
  readonly streamUrl?: string;
  readonly preload?: readonly string[];
  /** What is run in the place of its main file. */
  readonly main?: string;
  /** As in program.ts. */
  readonly hasOwnClock?: boolean;
  readonly databaseUrl: string;
  readonly serviceToken: string;
  readonly webhookUrl: string;
};

const PLENTY = { burst: 100_000, perMinute: 100_000 };

export type ApprovalSettings = ReturnType<typeof settingsOf>;

export async function approvalPorts(): Promise<ApprovalPorts> {
  return { rest: await freePort(), redemption: await freePort(), ops: await freePort() };
}

/** `change` sees the configuration and answers what it should be. Does not start it. */
export function createApproval(
  terms: ApprovalTerms,
  change: (settings: ApprovalSettings) => object = (settings) => settings,
): Approval {
  const { folder, name, ports, databaseUrl, serviceToken } = terms;
  const opsUrl = `http://127.0.0.1:${ports.ops}`;
  const program = createProgram({
    name,
    main: terms.main ?? "services/approval/main.ts",
    config: change(settingsOf(terms)),
    env: {
      DATABASE_URL: databaseUrl,
      COUNTERSIGN_REDEMPTION_SERVICE_TOKEN_FILE: placeServiceToken(folder, name, serviceToken),
      COUNTERSIGN_WEBHOOK_SECRET: WEBHOOK_SECRET,
      ...(terms.streamUrl === undefined ? {} : { COUNTERSIGN_STREAM_URL: terms.streamUrl }),
    },
    readyUrl: `${opsUrl}/readyz`,
    folder,
    ...(terms.preload === undefined ? {} : { preload: terms.preload }),
    ...(terms.hasOwnClock === undefined ? {} : { hasOwnClock: terms.hasOwnClock }),
  });
  return { ...program, url: `http://127.0.0.1:${ports.rest}`, opsUrl };
}

function settingsOf(terms: ApprovalTerms) {
  const { folder, name, deployment, ports, signing, decisionKeys, issuers, brokers, webhookUrl } = terms;
  return {
    deployment,
    instance: name,
    // Far above what one account may usually do: tests ask much in little time.
    rest: { port: ports.rest, limits: { reads: PLENTY, writes: PLENTY } },
    redemption: { port: ports.redemption },
    ops: { port: ports.ops },
    ...(terms.streamUrl === undefined
      ? { kafka: { brokers, ...clientOfServices() } }
      : { stream: { kind: "postgres" } }),
    bundle: { path: BUNDLE, unsigned: "accepted" },
    identity: {
      issuers: issuers.map(({ trusted }) => trusted("countersign")),
      keyFolder: join(folder, `${name}-key-sets`),
      defaultRealm: REALM,
    },
    roles: { security: issuers.slice(0, 1).map(({ url }) => ({ issuer: url, group: "security" })) },
    signing: { kid: signing.kid, keyPath: signing.privatePath },
    decisionServices: { trustedKeys: Object.fromEntries(decisionKeys.map(({ kid, publicPath }) => [kid, publicPath])) },
    webhook: { url: webhookUrl, allowedRanges: ["127.0.0.0/8"] },
  };
}
