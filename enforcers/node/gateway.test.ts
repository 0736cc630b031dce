/** What node:http would do by itself with a method that asks for a tunnel. All else of the gateway is shown against real parts (test/integration/gateway). */
import { expect, test } from "@jest/globals";
import { sendRaw } from "../../test/harness/raw-http.ts";
import { startGateway } from "./gateway.ts";
import type { Outcome } from "./observe.ts";

test.each(["orders.example:443", "/orders"])("CONNECT %s is answered and counted, never hung up on", async (target) => {
  const outcomes: Outcome[] = [];
  const nobody = () => Promise.reject(new Error("nobody is asked"));
  await using gateway = await startGateway(
    {
      judge: nobody,
      upstreams: { send: nobody, switchProtocols: nobody, [Symbol.asyncDispose]: () => Promise.resolve() },
      observe: {
        finished: ({ outcome }) => void outcomes.push(outcome),
        fault: (error) => expect(error).toBeUndefined(),
      },
      newRequestId: () => "1",
      monotonicMs: () => 0,
    },
    { host: "127.0.0.1", port: 0, routes: [], maxBufferBytes: 1_024, maxStreamMs: 5_000, drainMs: 100 },
  );
  const head = `CONNECT ${target} HTTP/1.1\r\nhost: orders.example\r\n\r\n`;
  expect(await sendRaw(gateway.port, head)).toMatchObject({
    status: 405,
    text: expect.stringContaining("method_refused"),
  });
  expect(outcomes).toEqual([{ kind: "refused", reason: "method_refused" }]);
});
