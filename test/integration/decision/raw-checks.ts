/** An enforcer that sends whatever bytes it is given for a CheckRequest, and what it is answered, in a word. */
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { AuthorizationService, CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";

export const CHECK_PATH = AuthorizationService.check.path;

export function createRawEnforcer(port: number) {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());

  /** What came back, or the name of a gRPC status. */
  function answerTo(bytes: Uint8Array): Promise<CheckResponse | string> {
    return new Promise((resolve) => {
      client.makeUnaryRequest(
        CHECK_PATH,
        (value: Uint8Array) => Buffer.from(value),
        (value) => CheckResponse.decode(value),
        bytes,
        new Metadata(),
        { deadline: Date.now() + 30_000 },
        (error: ServiceError | null, answer) => resolve((error === null ? answer : status[error.code]) ?? "?"),
      );
    });
  }

  return {
    answerTo,
    ask: async (bytes: Uint8Array) => outcomeOf(await answerTo(bytes)),
    close: () => client.close(),
  };
}

/** `allow`, `deny`, or the name of a gRPC status. */
export function outcomeOf(answer: CheckResponse | string): string {
  if (typeof answer === "string") return answer;
  if (answer.status?.code === status.OK || answer.httpResponse?.$case === "okResponse") return "allow";
  return answer.httpResponse?.$case === "deniedResponse" ? "deny" : "neither";
}

/** The same check so many times, so many of them at once. Rejects when one is not allowed. */
export async function expectAllowed(
  enforcer: Pick<ReturnType<typeof createRawEnforcer>, "ask">,
  bytes: Buffer,
  { count, atOnce }: { readonly count: number; readonly atOnce: number },
): Promise<void> {
  let left = count;
  const caller = async () => {
    for (; left > 0; left -= 1) {
      const answer = await enforcer.ask(bytes);
      if (answer !== "allow") throw new Error(`answered ${answer} and not allow`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
}
