/**
 * The Check server under TLS and mTLS, with real certificates over real sockets. The check behind it allows everything,
 * so that a caller who gets as far as it would show; what it decides is tested elsewhere.
 */
import { type ChannelCredentials, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { systemClock } from "../../../platform/clock.ts";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import {
  AuthorizationClient,
  type CheckRequest,
  CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { type CheckServer, startCheckServer } from "../../../services/decision/ext-authz/server.ts";
import { type Authority, type CertificatePair, createAuthority } from "../../harness/certificates.ts";

const ALLOW = CheckResponse.encode({ status: { code: status.OK, message: "", details: [] } }).finish();
export const REQUEST: CheckRequest = { attributes: undefined };
export const DRAIN_MS = 300;
/** No connection came about, so nothing can have been asked. */
export const REFUSED = /^UNAVAILABLE: No connection established/;

/** Two authorities, of which the server is of the first, and servers and clients of any. */
export async function createTlsBench() {
  const [ours, foreign] = [await createAuthority("ours"), await createAuthority("foreign")];
  const serverPair = await ours.issue({ name: "decision", use: "server" });
  const clientPair = await ours.issue({ name: "envoy", use: "client" });
  let asked = 0;
  const open: (() => unknown)[] = [];

  async function serve(serverTls: ServerTls | undefined): Promise<CheckServer> {
    asked = 0;
    const check = () => {
      asked += 1;
      return Promise.resolve(ALLOW);
    };
    const { monotonicMs } = systemClock;
    const limits = { maxMessageBytes: 65_536, maxInFlight: 8, deadlineMs: 10_000, drainMs: DRAIN_MS };
    const server = await startCheckServer(
      { check, faults: { report: () => {} }, monotonicMs },
      { host: "127.0.0.1", port: 0, tls: serverTls, ...limits },
    );
    open.push(() => server[Symbol.asyncDispose]());
    return server;
  }

  /** `answered`, or why there was no answer, as the enforcer's side sees it. */
  function ask(server: CheckServer, channel: ChannelCredentials, host = "127.0.0.1"): Promise<string> {
    const client = new AuthorizationClient(`${host}:${server.port}`, channel);
    open.push(() => client.close());
    const options = { deadline: systemClock.wallMs() + 30_000 };
    return new Promise((resolve) => {
      client.check(REQUEST, new Metadata(), options, (error: ServiceError | null) =>
        resolve(error === null ? "answered" : `${status[error.code]}: ${error.details}`),
      );
    });
  }

  return {
    ...{ ours, foreign, serverPair, clientPair, serve, ask },
    withTls: () => serve({ ...serverPair, clientCa: undefined }),
    withMtls: () => serve({ ...serverPair, clientCa: ours.ca }),
    /** The credentials of a client that shows this certificate, or none, and trusts this authority. */
    shows: (pair: CertificatePair | undefined, trusted: Authority = ours): ChannelCredentials =>
      credentials.createSsl(trusted.ca, pair?.key ?? null, pair?.cert ?? null),
    /** How many checks got as far as the server that was started last. */
    asked: () => asked,
    /** Is called by `closeAll`, last first. */
    onClose: (close: () => unknown) => void open.push(close),
    async closeAll() {
      for (const close of open.splice(0).toReversed()) await close();
    },
  };
}
