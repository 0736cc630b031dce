/**
 * An authorization server that records what Envoy sent and answers as the test says: for what is to be learned about Envoy
 * and our bootstraps alone. Whether Countersign decides rightly is tested with Countersign.
 */
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";
import { HeaderValueOption_HeaderAppendAction } from "../../proto/gen/envoy/config/core/v3/base.ts";
import {
  AuthorizationService,
  type CheckRequest,
  type CheckResponse,
} from "../../proto/gen/envoy/service/auth/v3/external_auth.ts";

export interface RecordingAuthorization extends AsyncDisposable {
  readonly port: number;
  readonly seen: CheckRequest[];
  answer: "ok" | "deny";
  /** What an allow adds; on OK only. */
  okHeaders: ReadonlyMap<string, string>;
}

export async function startRecordingAuthorization(): Promise<RecordingAuthorization> {
  const server = new Server();
  const seen: CheckRequest[] = [];
  const recording: RecordingAuthorization = {
    port: 0,
    seen,
    answer: "ok",
    okHeaders: new Map(),
    [Symbol.asyncDispose]: () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
  server.addService(AuthorizationService, {
    check(call: ServerUnaryCall<CheckRequest, CheckResponse>, done: sendUnaryData<CheckResponse>) {
      seen.push(call.request);
      done(null, response(recording));
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
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
