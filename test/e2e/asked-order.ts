/** dana's request for an order in the system of reload-fixture.ts, over TLS on every port: denied, asked for, and reviewed by whoever is named. */
import { credentials, Metadata } from "@grpc/grpc-js";
import { textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import {
  AuthorizationClient,
  CheckRequest,
  type CheckResponse,
} from "../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { callOverTls } from "../harness/call-over-tls.ts";
import { checkBytes } from "../integration/decision/check-messages.ts";
import type { ReloadableSystem } from "./reload-fixture.ts";

const PATIENCE_MS = 60_000;

type AskedOrder = Disposable & {
  readonly id: string;
  /** The answer to the submission. */
  readonly submitted: unknown;
  /** Asks for the order again. Of a denial: its problem. */
  check(): Promise<{ readonly problem: unknown }>;
  /** An approval of that account, of what was submitted. */
  approveAs(user: string): ReturnType<typeof callOverTls>;
};

/** Resolves when the request is there. */
export async function askForOrder(system: ReloadableSystem, order: number): Promise<AskedOrder> {
  const client = new AuthorizationClient(`127.0.0.1:${system.decision.port}`, credentials.createSsl(system.ours.ca));
  const dana = await system.issuer.token("dana");
  const asked = CheckRequest.decode(
    checkBytes({ method: "DELETE", path: `/orders/${order}`, headers: [["authorization", `Bearer ${dana}`]] }),
  );

  async function check(): Promise<{ readonly problem: unknown }> {
    const answer = await new Promise<CheckResponse>((resolve, reject) => {
      const options = { deadline: Date.now() + PATIENCE_MS };
      client.check(asked, new Metadata(), options, (error, response) => (error ? reject(error) : resolve(response)));
    });
    if (answer.httpResponse?.$case !== "deniedResponse") return { problem: undefined };
    return { problem: JSON.parse(answer.httpResponse.value.body) };
  }

  const approvals = (token: string, path: string, body: object) =>
    callOverTls("POST", `https://127.0.0.1:${system.ports.rest}${path}`, { ca: system.ours.ca, token, body });

  const denialId = await waitUntil("a denial", PATIENCE_MS, async () => {
    const { problem } = await check();
    return JSON.stringify(problem).includes('"denial_id"') && textAt(problem, "denial_id");
  });
  const { body } = await waitUntil("the denial to arrive", PATIENCE_MS, async () => {
    const submission = { denial_id: denialId, justification: "the customer cancelled it", requested: { max_uses: 5 } };
    const answer = await approvals(dana, "/v1/requests", submission);
    return answer.status !== 404 && answer;
  });
  const [id, digest] = [textAt(body, "request", "id"), textAt(body, "request", "digest")];

  return {
    ...{ id, submitted: body, check },
    async approveAs(user) {
      return approvals(await system.issuer.token(user), `/v1/requests/${id}/reviews`, { vote: "approve", digest });
    },
    [Symbol.dispose]: () => client.close(),
  };
}
