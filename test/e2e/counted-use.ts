/** dana's grant for an order in the system of reload-fixture.ts, over TLS on every port: denied, asked for, approved, and then used. */
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

export type CountedUse = Disposable & {
  /** `allow`, or the status and reasons of a denial. */
  use(): Promise<string>;
  /** What the database has counted. */
  uses(): Promise<number>;
};

/** Resolves when the grant is there and nothing of it is used. */
export async function grantOrder(system: ReloadableSystem, order: number): Promise<CountedUse> {
  const client = new AuthorizationClient(`127.0.0.1:${system.decision.port}`, credentials.createSsl(system.ours.ca));
  const [dana, max] = [await system.issuer.token("dana"), await system.issuer.token("max")];
  const asked = CheckRequest.decode(
    checkBytes({ method: "DELETE", path: `/orders/${order}`, headers: [["authorization", `Bearer ${dana}`]] }),
  );

  /** Of a denial: its problem. */
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
  const review = { vote: "approve", digest: textAt(body, "request", "digest") };
  const reviewed = await approvals(max, `/v1/requests/${textAt(body, "request", "id")}/reviews`, review);
  const grantId = textAt(reviewed.body, "grant", "id");

  return {
    async use() {
      const { problem } = await check();
      if (problem === undefined) return "allow";
      const { status, reasons }: { status?: number; reasons?: readonly string[] } = Object(problem);
      return `${status} ${reasons?.join()}`;
    },
    async uses() {
      await using owner = system.openDatabase();
      const { rows } = await owner.query<{ uses: number }>("select uses from grants where id = $1", [grantId]);
      return rows[0]?.uses ?? Number.NaN;
    },
    [Symbol.dispose]: () => client.close(),
  };
}
