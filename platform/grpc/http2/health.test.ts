/** The methods themselves, on bytes; over a connection they are asked in services/decision/ext-authz/server.test.ts. */
import { status } from "@grpc/grpc-js";
import { expect, test } from "@jest/globals";
import type { Method } from "./call.ts";
import { createHealth } from "./health.ts";

const OURS = "test.v1.Echo";

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
  const call = (name: string, message: Buffer): string | number => {
    const found = method(name);
    if (found.kind !== "at once") throw new Error(`${name} may have to wait`);
    const answer = found.answer(message);
    return "code" in answer ? answer.code : Buffer.from(answer).toString("hex");
  };
  const watch = (message: Buffer) => {
    const found = method("Watch");
    if (found.kind !== "telling") throw new Error("Watch does not go on");
    const told: (string | number)[] = [];
    const tell = (answer: Uint8Array) => void told.push(Buffer.from(answer).toString("hex"));
    const stop = found.begin(message, { tell, end: ({ code }) => void told.push(code) });
    return { told, stop };
  };
  return { health, call, watch };
}

test("Check: not serving until it is said, then serving, the server as the service; another service is not found", () => {
  const { health, call } = started();
  expect(call("Check", Buffer.alloc(0))).toBe("0802");
  expect(call("Check", asking(OURS))).toBe("0802");
  health.serving(true);
  expect(call("Check", Buffer.alloc(0))).toBe("0801");
  expect(call("Check", asking(OURS))).toBe("0801");
  expect(call("Check", asking("test.v1.Other"))).toBe(status.NOT_FOUND);
  health.serving(false);
  expect(call("Check", asking(OURS))).toBe("0802");
});

test.each([
  ["a field that ends too early", Buffer.from([0x0a, 0x7f])],
  ["a number that never ends", Buffer.alloc(20, 0xff)],
  ["text that is not UTF-8", Buffer.from([0x0a, 0x01, 0xff])],
])("Check: %s names no service of ours", (_what, bytes) => {
  const { health, call } = started();
  health.serving(true);
  expect(call("Check", bytes)).toBe(status.NOT_FOUND);
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

test("Watch: one that begins after the end has begun is told what is and ended, so that its connection can end", () => {
  const { health, watch } = started();
  health.close();
  expect(watch(asking(OURS)).told).toEqual(["0802", status.UNAVAILABLE]);
});

test("List: the server and the service, each as it is", () => {
  const { health, call } = started();
  health.serving(true);
  const name = Buffer.from(OURS).toString("hex");
  expect(call("List", Buffer.alloc(0))).toBe(`0a060a00120208010a120a0c${name}12020801`);
});
