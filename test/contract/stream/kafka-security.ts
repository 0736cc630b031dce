/** SASL and TLS as a broker demands them: what is refused, and what publishes and reads. */
import { describe, expect, test } from "@jest/globals";
import type { KafkaBroker } from "./kafka-broker.ts";
import { publishSurely, readAll, record, valuesOf } from "./stream-fixture.ts";

export function kafkaSecurity(kafka: () => KafkaBroker): void {
  describe("security settings", () => {
    test("a wrong password and no password are refused: nothing is published, nothing is read", async () => {
      const topic = await kafka().newTopic();
      const { brokers, username } = kafka().broker.sasl;
      for (const sasl of [{ mechanism: "plain" as const, username, password: "wrong" }, undefined]) {
        const connection = { brokers, clientId: "test", ...(sasl === undefined ? {} : { sasl }) };
        await using stream = kafka().open({ connection });
        expect((await stream.publish([record(topic, "k", "v")], { deadlineMs: 2_000 })).kind).toBe("unknown");
        await expect(stream.endOffsets(topic, { deadlineMs: 2_000 })).rejects.toBeDefined();
      }
    }, 60_000);

    test("a broker whose certificate is not trusted is refused", async () => {
      await using stream = kafka().open({
        connection: { brokers: kafka().broker.tls.brokers, clientId: "test", tls: {} },
      });
      await expect(stream.endOffsets("any", { deadlineMs: 2_000 })).rejects.toBeDefined();
    }, 30_000);

    test.each(["plain", "scram-sha-256", "scram-sha-512"] as const)(
      "SASL %s publishes and reads",
      async (mechanism) => {
        const topic = await kafka().newTopic();
        const { brokers, username, password } = kafka().broker.sasl;
        await using stream = kafka().open({
          connection: { brokers, clientId: "test", sasl: { mechanism, username, password } },
        });
        await publishSurely(stream, [record(topic, "k", mechanism)]);
        expect(valuesOf(await readAll(stream, topic))).toEqual([mechanism]);
      },
      60_000,
    );

    test("TLS with the broker's authority publishes and reads", async () => {
      const topic = await kafka().newTopic();
      const { brokers, ca } = kafka().broker.tls;
      await using stream = kafka().open({ connection: { brokers, clientId: "test", tls: { ca } } });
      await publishSurely(stream, [record(topic, "k", "v")]);
      expect(valuesOf(await readAll(stream, topic))).toEqual(["v"]);
    }, 60_000);
  });
}
