/** SASL and TLS as a broker demands them: what is refused, what publishes and reads, and what is exchanged while a service runs. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { streamServer } from "../../../platform/stream/open-stream.ts";
import { reload } from "../../e2e/reloading.ts";
import { pemFile, pairFiles } from "../../harness/certificates.ts";
import { startLoneDecision } from "../../integration/decision/lone-decision.ts";
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

    /** A client's certificate that has ended, in files that can be written again; `tls` is the section that names them. */
    async function endedCertificate(client: "kafkajs" | "platformatic") {
      const { brokers, ca, clients } = kafka().broker.tls;
      const folder = await mkdtemp(join(tmpdir(), "kafka-client-"));
      const place = async (endsInMs: number) =>
        pairFiles(folder, "client", await clients.issue({ name: "client", use: "client", endsInMs }));
      const { cert: certPath, key: keyPath } = await place(-60_000);
      const caPath = await pemFile(folder, "ca", Buffer.from(ca));
      return {
        folder,
        section: { ...{ brokers: [...brokers], client, tls: true }, ...{ caPath, certPath, keyPath } },
        renew: () => place(600_000),
        /** The key is of the certificate that was there before. */
        renewByHalf: async () =>
          pemFile(folder, "client-cert", (await clients.issue({ name: "half", use: "client" })).cert),
        [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
      };
    }

    test("a client's certificate that has ended is refused; a new one is taken without a restart, and one that is half in place is not", async () => {
      await using files = await endedCertificate(kafka().client);
      const config = { kafka: files.section };
      const server = await streamServer(config, {
        clientName: "test",
        log: createLog({ name: "test", level: "silent" }),
      });
      const topic = await kafka().newTopic();
      await using stream = server.open({ onFatal: () => {} });
      expect((await stream.publish([record(topic, "k", "early")], { deadlineMs: 2_000 })).kind).toBe("unknown");

      await files.renewByHalf();
      await expect(server.reload(config)).rejects.toThrow("key values mismatch");
      await expect(server.reload({ kafka: { ...files.section, tls: false } })).rejects.toThrow("needs a restart");
      expect((await stream.publish([record(topic, "k", "early")], { deadlineMs: 2_000 })).kind).toBe("unknown");

      await files.renew();
      await server.reload(config);
      await publishSurely(stream, [record(topic, "k", "v")]);
      expect(valuesOf(await readAll(stream, topic))).toEqual(["v"]);
    }, 60_000);

    test("a service takes a new certificate for Kafka at SIGHUP", async () => {
      await using files = await endedCertificate(kafka().client);
      await using service = await startLoneDecision({
        ...{ folder: files.folder, name: "decision", further: { kafka: files.section } },
      });
      const hasSaid = async (what: string) => (await service.log()).includes(what);
      await waitUntil("it to be refused", 60_000, () => hasSaid('"event":"stream_away"'));
      expect(await hasSaid('"event":"stream_back"')).toBe(false);
      await files.renew();
      expect((await reload(service, "kafka")).get("kafka")).toMatchObject({ event: "reloaded" });
      await waitUntil("it to be taken", 60_000, () => hasSaid('"event":"stream_back"'));
    }, 60_000);
  });
}
