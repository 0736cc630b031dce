/**
 * Asks the decision service about one call, over gRPC, as Envoy's ext_authz filter does. Never rejects, never retries (a
 * limited grant may have been used up by the first try), and never waits longer than the time given: whatever is not an answer
 * in that time is `unusable`.
 */
import { type ClientOptions, connectivityState, Metadata, status } from "@grpc/grpc-js";
import type { ClientTls } from "../../../platform/config/pem-files.ts";
import { createClientCertificates } from "../../../platform/grpc/certificates.ts";
import { keepConnected } from "../../../platform/grpc/keep-connected.ts";
import { AuthorizationClient, type CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { verdictFrom } from "./check-answer.ts";
import { checkRequest } from "./check-request.ts";
import type { JudgedCall, Unusable, Verdict } from "./verdict.ts";

type AuthorizationOptions = {
  /** `host:port` */
  readonly address: string;
  /** Absent: plain text. */
  readonly tls: ClientTls | undefined;
  readonly timeoutMs: number;
};

export type Authorization = Disposable & {
  /** `signal` gives up early, when nobody waits for the answer any more. */
  ask(call: JudgedCall, signal: AbortSignal): Promise<Verdict>;
  /** Whether there is a connection now; asking makes one. */
  connected(): boolean;
  /** For connections from now on. @throws when they cannot be used; those before stay. */
  replaceCertificates(tls: ClientTls | undefined): void;
};

const MAX_ANSWER_BYTES = 1_048_576;
const CHANNEL: ClientOptions = {
  // NB: also the library's own "transparent" retries are off; a check may redeem a grant.
  "grpc.enable_retries": 0,
  "grpc.max_receive_message_length": MAX_ANSWER_BYTES,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 3_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
};

export function createAuthorization(
  {
    wallMs,
  }: {
    /** gRPC states deadlines as moments of the wall clock. */
    readonly wallMs: () => number;
  },
  options: AuthorizationOptions,
): Authorization {
  const certificates = createClientCertificates(options.tls);
  const client = new AuthorizationClient(options.address, certificates.credentials, CHANNEL);
  const connection = keepConnected(client);

  return {
    replaceCertificates: certificates.replace,
    connected: () => client.getChannel().getConnectivityState(true) === connectivityState.READY,
    ask(call, signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve({ kind: "unusable", why: "too_late" });
        const deadline = wallMs() + options.timeoutMs;
        const asked = client.check(checkRequest(call), new Metadata(), { deadline }, (error, response) => {
          signal.removeEventListener("abort", cancel);
          resolve(error === null ? answerFrom(response) : { kind: "unusable", why: whyOf(error.code) });
        });
        const cancel = () => asked.cancel();
        signal.addEventListener("abort", cancel, { once: true });
      });
    },
    [Symbol.dispose]() {
      connection[Symbol.dispose]();
      client.close();
    },
  };
}

/** NB: a fault in reading the answer must not become an exception that somebody else handles. */
function answerFrom(response: CheckResponse): Verdict {
  try {
    return verdictFrom(response);
  } catch {
    return { kind: "unusable", why: "not_decodable" };
  }
}

function whyOf(code: status): Unusable {
  if (code === status.DEADLINE_EXCEEDED || code === status.CANCELLED) return "too_late";
  if (code === status.INTERNAL || code === status.RESOURCE_EXHAUSTED) return "not_decodable";
  return "unreachable";
}
