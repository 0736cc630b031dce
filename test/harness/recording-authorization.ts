/**
 * An authorization server that records what an enforcer sent and answers as the test says: for what is to be learned about
 * enforcers alone. Whether Countersign decides rightly is tested with Countersign, which it asks in its place where a test says so (`asks`).
 */
import {
  Client,
  credentials,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  status,
} from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { HeaderValueOption_HeaderAppendAction } from "../../proto/gen/envoy/config/core/v3/base.ts";
import {
  AuthorizationService,
  CheckRequest,
  CheckResponse,
} from "../../proto/gen/envoy/service/auth/v3/external_auth.ts";

export interface RecordingAuthorization extends AsyncDisposable {
  readonly port: number;
  readonly seen: CheckRequest[];
  /** Where others are asked: what they said to each. */
  readonly said: Map<CheckRequest, CheckResponse>;
  answer: "ok" | "deny";
  /** What an allow adds; on OK only. */
  okHeaders: ReadonlyMap<string, string>;
  /** Instead of `answer`: what is made of the question, bytes as they are, however wrong, a gRPC status, or nothing at all. */
  respond: Unusual | undefined;
}

type Unusual =
  | { readonly kind: "response"; readonly response: CheckResponse }
  | { readonly kind: "decided"; readonly decide: (question: Buffer) => CheckResponse }
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "error"; readonly code: number }
  | { readonly kind: "silence" };

/** As they came: what is asked of others are the same bytes. */
type Arrived = { readonly bytes: Buffer; readonly request: CheckRequest };

/** A server's answers are written by hand here, so that they can be what no encoder makes. */
const service = {
  check: {
    ...AuthorizationService.check,
    requestDeserialize: (bytes: Buffer): Arrived => ({ bytes, request: CheckRequest.decode(bytes) }),
    requestSerialize: ({ bytes }: Arrived) => bytes,
    responseSerialize: (value: CheckResponse | Buffer) =>
      Buffer.isBuffer(value) ? value : AuthorizationService.check.responseSerialize(value),
  },
};

type StartOptions = {
  readonly credentials?: ServerCredentials;
  readonly port?: number;
  /** Port of a decision service, which then answers in place of all that a test can say. */
  readonly asks?: number;
};

const ASK_MS = 10_000;

export async function startRecordingAuthorization(options: StartOptions = {}): Promise<RecordingAuthorization> {
  const server = new Server();
  const seen: CheckRequest[] = [];
  const said = new Map<CheckRequest, CheckResponse>();
  const asked =
    options.asks === undefined ? undefined : new Client(`127.0.0.1:${options.asks}`, credentials.createInsecure());
  const recording: RecordingAuthorization = {
    port: 0,
    ...{ seen, said },
    answer: "ok",
    okHeaders: new Map(),
    respond: undefined,
    [Symbol.asyncDispose]: () => {
      server.forceShutdown();
      asked?.close();
      return Promise.resolve();
    },
  };
  function ask(from: Client, { bytes, request }: Arrived, done: sendUnaryData<CheckResponse>): void {
    const whole = (message: Buffer) => message;
    const deadline = Date.now() + ASK_MS;
    const { path } = AuthorizationService.check;
    from.makeUnaryRequest(path, whole, CheckResponse.decode, bytes, { deadline }, (error, answer) => {
      if (answer !== undefined) said.set(request, answer);
      if (error === null && answer !== undefined) done(null, answer);
      else done({ code: error?.code ?? status.INTERNAL, details: error?.details ?? "no answer" });
    });
  }

  server.addService(service, {
    check(call: ServerUnaryCall<Arrived, CheckResponse | Buffer>, done: sendUnaryData<CheckResponse | Buffer>) {
      seen.push(call.request.request);
      const { respond } = recording;
      if (asked !== undefined) ask(asked, call.request, done);
      else if (respond === undefined) done(null, response(recording));
      else if (respond.kind === "response") done(null, respond.response);
      else if (respond.kind === "decided") done(null, respond.decide(call.request.bytes));
      else if (respond.kind === "bytes") done(null, respond.bytes);
      else if (respond.kind === "error") done({ code: respond.code, details: "as the test says" });
    },
  });
  // Envoy leaves out whoever does not say that it serves.
  new HealthImplementation({ "envoy.service.auth.v3.Authorization": "SERVING" }).addToServer(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `127.0.0.1:${options.port ?? 0}`,
      options.credentials ?? ServerCredentials.createInsecure(),
      (error, bound) => (error === null ? resolve(bound) : reject(error)),
    );
  });
  return Object.assign(recording, { port });
}

function response({ answer, okHeaders }: RecordingAuthorization): CheckResponse {
  if (answer === "deny") return { status: { code: 7, message: "", details: [] } };
  const headers = [...okHeaders].map(([key, value]) => ({
    header: { key, value, rawValue: Buffer.alloc(0) },
    appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    keepEmptyValue: false,
  }));
  return {
    status: { code: 0, message: "", details: [] },
    httpResponse: {
      $case: "okResponse",
      value: {
        headers,
        headersToRemove: [],
        responseHeadersToAdd: [],
        queryParametersToSet: [],
        queryParametersToRemove: [],
      },
    },
  };
}
