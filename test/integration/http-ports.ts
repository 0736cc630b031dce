/** The ports at which services take HTTP/1.1, each served as in production, and a request that is answered with 200 there. */
import type { CertificatePair } from "../harness/certificates.ts";
import { startRest } from "../../services/approval/rest/server.ts";
import { createRestApproval, tokenOf } from "./approval/rest-fixture.ts";
import { type Authzen, startAuthzen } from "./decision/authzen-fixture.ts";
import { ASKER, ENFORCER, question } from "./decision/authzen-samples.ts";

/** How long each may take to end. */
export const DRAIN_MS = 2_000;

export type ServedHttp = AsyncDisposable & {
  readonly port: number;
  readonly path: string;
  readonly credential: string;
  readonly body: string;
  /** Of another account than `credential`, with a body of its own that is answered with 200 too. */
  readonly other: { readonly credential: string; readonly body: string };
  /** A member of the body that it has to have. */
  readonly member: string;
  /** Media types of the body, one for each way that the port has of reading one. */
  readonly types: readonly string[];
};

type ServeOptions = {
  readonly pair?: CertificatePair;
  /** What one account may do in a minute, as it is unless configured; without it as much as it likes. */
  readonly isLimited?: boolean;
};

type HttpPort = { readonly name: string; readonly serve: (options?: ServeOptions) => Promise<ServedHttp> };

/** Defaults of `rest.limits` (docs/config.md). */
const LIMITS = { reads: { burst: 300, perMinute: 1_200 }, writes: { burst: 60, perMinute: 120 } };

export const HTTP_PORTS: readonly HttpPort[] = [
  {
    name: "AuthZEN",
    async serve({ pair } = {}) {
      const authzen: Authzen = await startAuthzen(pair === undefined ? {} : { tls: { ...pair, clientCa: undefined } });
      return {
        port: authzen.port,
        ...{ path: "/access/v1/evaluation", credential: ASKER },
        ...{ body: JSON.stringify(question()), member: "subject" },
        other: { credential: ENFORCER, body: JSON.stringify(question()) },
        types: ["application/json", "application/json;charset=utf-8"],
        [Symbol.asyncDispose]: () => authzen[Symbol.asyncDispose](),
      };
    },
  },
  {
    name: "REST",
    async serve({ pair, isLimited = false } = {}) {
      const approval = await createRestApproval();
      const bodyOf = async (token: string) => {
        const denial = await approval.denyTo(token);
        const body = { denial_id: denial.id, justification: "the customer was charged twice" };
        // Whoever submits it again is shown this one: 200 from now on.
        await approval.call("POST", "/v1/requests", { token, body });
        return JSON.stringify(body);
      };
      const [credential, another] = [tokenOf("dana"), tokenOf("mia")];
      const [body, otherBody] = [await bodyOf(credential), await bodyOf(another)];
      const server = await startRest(
        { ...approval.deps, metrics: approval.freshMetrics() },
        {
          ...approval.options,
          ...(isLimited && { limits: LIMITS }),
          host: "127.0.0.1",
          port: 0,
          tls: pair,
          drainMs: DRAIN_MS,
        },
      );
      return {
        port: server.port,
        ...{ path: "/v1/requests", credential, body, member: "denial_id" },
        other: { credential: another, body: otherBody },
        types: ["application/json"],
        async [Symbol.asyncDispose]() {
          await server[Symbol.asyncDispose]();
          await approval.close();
        },
      };
    },
  },
];
