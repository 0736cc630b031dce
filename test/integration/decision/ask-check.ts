/** An enforcer of a test: one GET /orders/42 by a bearer token, asked as Envoy asks, and what came of it. */
import { type Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  AuthorizationClient,
  type CheckRequest,
  type CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";

const DEADLINE_MS = 30_000;

type Enforcer = Pick<Client, "close"> & {
  /** `allow`, the status and reasons of a denial, or the status of a gRPC error. */
  outcome(bearer: string): Promise<string>;
  /** The id of a decision that allowed. Rejects where there is none. */
  allowed(bearer: string): Promise<string>;
};

export function createEnforcer(port: number): Enforcer {
  const options = { "grpc.max_send_message_length": -1 };
  const client = new AuthorizationClient(`127.0.0.1:${port}`, credentials.createInsecure(), options);

  function ask(bearer: string): Promise<CheckResponse | ServiceError> {
    return new Promise((resolve) => {
      client.check(
        checkOf("/orders/42", [`Bearer ${bearer}`]),
        new Metadata(),
        { deadline: Date.now() + DEADLINE_MS },
        (error, answer) => resolve(error ?? answer),
      );
    });
  }

  return {
    close: () => client.close(),
    async outcome(bearer) {
      const answer = await ask(bearer);
      if (answer instanceof Error) return `grpc ${status[answer.code]}`;
      if (answer.httpResponse?.$case !== "deniedResponse") return "allow";
      const { status: http, body } = answer.httpResponse.value;
      return `${http?.code} ${JSON.parse(body).reasons}`;
    },
    async allowed(bearer) {
      const answer = await ask(bearer);
      if (answer instanceof Error) throw answer;
      if (answer.httpResponse?.$case !== "okResponse") throw new Error("not allowed");
      const { headers } = answer.httpResponse.value;
      const found = headers.find(({ header }) => header?.key === "countersign-decision-id")?.header;
      const id = found === undefined ? "" : found.rawValue.toString() || found.value;
      if (id === "") throw new Error("an allow without its decision");
      return id;
    },
  };
}

/** GET of this path by these `authorization` values, as Envoy says it. */
export function checkOf(path: string, authorization: readonly string[]): CheckRequest {
  const headers = authorization.map((value) => ({ key: "authorization", value: "", rawValue: Buffer.from(value) }));
  const http = {
    ...{ id: "1", method: "GET", path, host: "orders.example", scheme: "https", query: "", fragment: "" },
    ...{
      protocol: "HTTP/1.1",
      headers: new Map(),
      headerMap: { headers },
      size: 0,
      body: "",
      rawBody: Buffer.alloc(0),
    },
  };
  return {
    attributes: {
      ...{ source: undefined, destination: undefined, contextExtensions: new Map() },
      request: { time: new Date(), http },
    },
  };
}
