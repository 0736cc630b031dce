import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { createLog } from "../log/log.ts";
import { waitUntil } from "../programs/wait-until.ts";
import { createPlatformaticStream } from "./platformatic.ts";
import { baseOptions, rotating } from "./platformatic-settings.ts";

const three = { brokers: ["a:1", "b:1", "c:1"], clientId: "test" };

describe("the list of brokers", () => {
  test("begins one further for each client of a stream, and at its head for another stream", () => {
    const [next, ofAnother] = [rotating(() => three), rotating(() => three)];
    expect([next(), next(), next(), next()].map(({ brokers }) => brokers.join())).toEqual([
      "a:1,b:1,c:1",
      "b:1,c:1,a:1",
      "c:1,a:1,b:1",
      "a:1,b:1,c:1",
    ]);
    expect(ofAnother().brokers).toEqual(three.brokers);
  });

  test("is gone through by the publishers that replace each other", async () => {
    const asked: string[] = [];
    async function refusing(name: string) {
      const server = createServer((socket) => {
        asked.push(name);
        socket.destroy();
      });
      await once(server.listen(0, "127.0.0.1"), "listening");
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("no port");
      return { broker: `127.0.0.1:${address.port}`, [Symbol.dispose]: () => void server.close() };
    }
    using first = await refusing("first");
    using second = await refusing("second");
    const connection = { brokers: [first.broker, second.broker], clientId: "test" };
    const deps = { log: createLog({ name: "test", level: "silent" }), onFatal: () => {} };
    const stream = createPlatformaticStream(deps, { connection });
    await waitUntil("three publishers to be refused", 20_000, () => asked.length >= 3);
    await stream.close();
    expect(asked.slice(0, 3)).toEqual(["first", "second", "first"]);
  });
});

describe("a broker is waited for", () => {
  test("half as long where there is another to ask, and as long as is said", () => {
    expect(baseOptions(three).connectTimeout).toBe(1_500);
    expect(baseOptions({ ...three, brokers: ["a:1"] }).connectTimeout).toBe(3_000);
    expect(baseOptions({ ...three, connectTimeoutMs: 7_000 }).connectTimeout).toBe(7_000);
  });
});
