/**
 * What a program that asks DecisionService takes an answer for that says nothing, over the wire and by its own code for the schema: never for an
 * allow. The server here answers bytes of the test; the real one says an outcome always (decision-service.test.ts).
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import {
  DecisionServiceClient,
  DecisionServiceService,
  type EvaluateRequest,
  EvaluateResponse,
  Outcome,
} from "../../../proto/gen/countersign/v1/decision.ts";

const { path, requestStream, responseStream, requestSerialize, requestDeserialize } = DecisionServiceService.evaluate;
const QUESTION: EvaluateRequest = {
  subject: undefined,
  action: undefined,
  resource: undefined,
  context: undefined,
  mode: 0,
};

let answer: Buffer;
const server = new Server();
let client: DecisionServiceClient;
beforeAll(async () => {
  server.addService(
    {
      evaluate: {
        ...{ path, requestStream, responseStream, requestSerialize, requestDeserialize },
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    { evaluate: (_call: unknown, done: (error: null, bytes: Buffer) => void) => done(null, answer) },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  client = new DecisionServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
});
afterAll(() => {
  client.close();
  server.forceShutdown();
});

const asked = () =>
  new Promise<Outcome>((resolve, reject) => {
    client.evaluate(QUESTION, (error, answer) => (error === null ? resolve(answer.outcome) : reject(error)));
  });

test.each([
  ["nothing at all", []],
  ["an outcome of zero", [0x08, 0]],
  ["an outcome that no schema knows", [0x08, 9]],
  ["a negative outcome", [0x08, ...Array.from({ length: 9 }, () => 0xff), 0x01]],
  ["everything but the outcome", [0x12, 1, 0x31, 0x22, 1, 0x61, 0x4a, 1, 0x67]],
  ["allow in a field that nobody knows", [0x78, 3]],
  ["allow and then nothing, in that order", [0x08, 3, 0x08, 0]],
] as const)("%s is no allow", async (_what, bytes) => {
  answer = Buffer.from(bytes);
  expect(await asked()).not.toBe(Outcome.OUTCOME_ALLOW);
});

test("and an allow is one, or the others would show nothing", async () => {
  answer = Buffer.from([0x08, 3]);
  expect(await asked()).toBe(Outcome.OUTCOME_ALLOW);
  expect([Outcome.OUTCOME_UNSPECIFIED, EvaluateResponse.decode(Buffer.alloc(0)).outcome]).toEqual([0, 0]);
});
