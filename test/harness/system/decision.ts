/** One decision service as a process. Several differ in name, key, ports and folders alone. */
import { clientOfServices } from "../kafka.ts";
import { join } from "node:path";
import { freePort } from "../free-port.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { Issuer } from "./issuer.ts";
import { REALM } from "./issuer.ts";
import type { KeyPairFiles } from "./key-pair.ts";
import { createProgram, type Program } from "./program.ts";
import { placeServiceToken } from "./service-token.ts";

const BUNDLE = join(import.meta.dirname, "../../../rego/bundle");
const FRESH_MS = 60_000;

export type Decision = Program & {
  /** Where ext_authz is served, on loopback. */
  readonly port: number;
  /** `/healthz`, `/readyz` and `/metrics`. */
  readonly opsUrl: string;
  /** Until `/readyz` says `ok` and not only `degraded`: grants may open something. */
  readonly untilFresh: () => Promise<void>;
};

type DecisionTerms = {
  readonly folder: string;
  readonly name: string;
  readonly deployment: string;
  readonly signing: KeyPairFiles;
  readonly stateRelay: KeyPairFiles;
  readonly issuers: readonly Issuer[];
  readonly brokers: readonly string[];
  /** A stream in Postgres in place of the brokers. */
  readonly streamUrl?: string;
  readonly preload?: readonly string[];
  /** What is run in the place of its main file. */
  readonly main?: string;
  /** As in program.ts. */
  readonly hasOwnClock?: boolean;
  readonly redemption: { readonly address: string; readonly serviceToken: string };
  readonly requestUrl: string;
};

export type DecisionSettings = ReturnType<typeof settingsOf>;

/** `change` sees the configuration and answers what it should be. Does not start it. */
export async function createDecision(
  terms: DecisionTerms,
  change: (settings: DecisionSettings) => object = (settings) => settings,
): Promise<Decision> {
  const { folder, name, redemption } = terms;
  const [port, opsPort] = [await freePort(), await freePort()];
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  const program = createProgram({
    name,
    main: terms.main ?? "services/decision/main.ts",
    config: change(settingsOf(terms, port, opsPort)),
    env: {
      COUNTERSIGN_REDEMPTION_SERVICE_TOKEN_FILE: placeServiceToken(folder, name, redemption.serviceToken),
      ...(terms.streamUrl === undefined ? {} : { COUNTERSIGN_STREAM_URL: terms.streamUrl }),
    },
    readyUrl: `${opsUrl}/readyz`,
    folder,
    ...(terms.preload === undefined ? {} : { preload: terms.preload }),
    ...(terms.hasOwnClock === undefined ? {} : { hasOwnClock: terms.hasOwnClock }),
  });
  return {
    ...program,
    port,
    opsUrl,
    async untilFresh() {
      let report = "";
      try {
        await waitUntil(`${name} to be fresh`, FRESH_MS, async () => {
          report = await readiness(opsUrl);
          return report.startsWith('{"status":"ok"');
        });
      } catch (error) {
        throw new Error(`${String(error)}; /readyz said last: ${report}`, { cause: error });
      }
    },
  };
}

function settingsOf(terms: DecisionTerms, port: number, opsPort: number) {
  const { folder, name, deployment, signing, stateRelay, issuers, brokers, redemption, requestUrl } = terms;
  return {
    deployment,
    instance: name,
    listen: { port },
    ops: { port: opsPort },
    // Nobody probes, but for tests that say so.
    noticeMs: 0,
    bundle: { path: BUNDLE, unsigned: "accepted" },
    identity: {
      issuers: issuers.map(({ trusted }) => trusted("orders")),
      keyFolder: join(folder, `${name}-key-sets`),
      defaultRealm: REALM,
    },
    signing: { kid: signing.kid, keyPath: signing.privatePath },
    state: { trustedKeys: { [stateRelay.kid]: stateRelay.publicPath } },
    ...(terms.streamUrl === undefined
      ? { kafka: { brokers, ...clientOfServices() } }
      : { stream: { kind: "postgres" } }),
    redemption: { address: redemption.address },
    decisionLog: { folder: join(folder, `${name}-log`) },
    // Far above what one subject may usually ask for: tests ask much in little time.
    denials: { burst: 10_000, perMinute: 10_000, requestUrl },
  };
}

async function readiness(opsUrl: string): Promise<string> {
  try {
    const response = await fetch(`${opsUrl}/readyz`, { signal: AbortSignal.timeout(2_000) });
    return await response.text();
  } catch (error) {
    return String(error);
  }
}
