/** The methods themselves, on bytes; over a connection they are asked in services/decision/ext-authz/server.test.ts. */
import { status } from "@grpc/grpc-js";
import { expect, test } from "@jest/globals";
import type { Method } from "./call.ts";
import { createHealth } from "./health.ts";

const OURS = "test.v1.Echo";
const TERMS = { leftMs: 1_000, shed: false, traceparent: undefined };

/** A request that names a service. */
const asking = (service: string) => Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);

function started() {
  const health = createHealth(["", OURS]);
  const method = (name: string): Method => {
    const found = health.methods.get(`/grpc.health.v1.Health/${name}`);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  /** Hexadecimal, or the code of a failure. */
  const call = async (name: string, message: Buffer): Promise<string | number> => {
    const found = method(name);
    if (found.kind !== "unary") throw new Error(`${name} is not unary`);
    const answer = await found.answer(message, TERMS);
    return "code" in answer ? answer.code : Buffer.from(answer).toString("hex");
  };
  const watch = (message: Buffer) => {
    const found = method("Watch");
    if (found.kind !== "telling") throw new Error("Watch is unary");
    const told: (string | number)[] = [];
    const tell = (answer: Uint8Array) => void told.push(Buffer.from(answer).toString("hex"));
    const stop = found.begin(message, { tell, end: ({ code }) => void told.push(code) });
    return { told, stop };
  };
  return { health, call, watch };
}

test("Check: not serving until it is said, then serving, the server as the service; another service is not found", async () => {
  const { health, call } = started();
  expect(await call("Check", Buffer.alloc(0))).toBe("0802");
  expect(await call("Check", asking(OURS))).toBe("0802");
  health.serving(true);
  expect(await call("Check", Buffer.alloc(0))).toBe("0801");
  expect(await call("Check", asking(OURS))).toBe("0801");
  expect(await call("Check", asking("test.v1.Other"))).toBe(status.NOT_FOUND);
  health.serving(false);
  expect(await call("Check", asking(OURS))).toBe("0802");
});

test.each([
  ["a field that ends too early", Buffer.from([0x0a, 0x7f])],
  ["a number that never ends", Buffer.alloc(20, 0xff)],
  ["text that is not UTF-8", Buffer.from([0x0a, 0x01, 0xff])],
])("Check: %s names no service of ours", async (_what, bytes) => {
  const { health, call } = started();
  health.serving(true);
  expect(await call("Check", bytes)).toBe(status.NOT_FOUND);
});

test("Watch: what is now, each change, and its end with the server; an unknown service stays unknown, and who has gone is not told", () => {
  const { health, watch } = started();
  const [ours, other, gone] = [watch(asking(OURS)), watch(asking("test.v1.Other")), watch(Buffer.alloc(0))];
  gone.stop();
  health.serving(true);
  health.serving(false);
  health.close();
  expect(ours.told).toEqual(["0802", "0801", "0802", status.UNAVAILABLE]);
  expect(other.told).toEqual(["0803", status.UNAVAILABLE]);
  expect(gone.told).toEqual(["0802"]);
});

test("List: the server and the service, each as it is", async () => {
  const { health, call } = started();
  health.serving(true);
  const name = Buffer.from(OURS).toString("hex");
  expect(await call("List", Buffer.alloc(0))).toBe(`0a060a00120208010a120a0c${name}12020801`);
});
