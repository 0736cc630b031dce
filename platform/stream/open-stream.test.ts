import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Type } from "typebox";
import { describeFaults, loadConfig } from "../config/load.ts";
import { createLog } from "../log/log.ts";
import { KafkaSchema } from "./kafka-config.ts";
import { streamFaults, streamServer } from "./open-stream.ts";
import { PostgresStreamSchema } from "./postgres-config.ts";

const schema = Type.Object(
  { kafka: Type.Optional(KafkaSchema), stream: Type.Optional(PostgresStreamSchema) },
  { additionalProperties: false },
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stream-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** The configuration, or what is wrong with it. */
async function load(yaml: string, env: Record<string, string> = {}) {
  const file = join(folder, "config.yaml");
  await writeFile(file, yaml);
  const loaded = await loadConfig({ schema, env, prefix: "P_", file, rules: [streamFaults] });
  return loaded.kind === "loaded" ? loaded.config : describeFaults(loaded.faults);
}

test.each([
  { what: "neither", yaml: "", env: {}, fault: "kafka.brokers (KAFKA_BROKERS): is missing" },
  {
    what: "both",
    yaml: "kafka: {brokers: [a:1]}\nstream: {kind: postgres}",
    env: { P_STREAM_URL: "u" },
    fault: "stream: and kafka are both set",
  },
  {
    what: "a stream without an address",
    yaml: "stream: {kind: postgres}",
    env: {},
    fault: "stream.url (P_STREAM_URL): is missing",
  },
  {
    what: "an address without its kind",
    yaml: "",
    env: { P_STREAM_URL: "u" },
    fault: "stream.kind (P_STREAM_KIND): is missing",
  },
  {
    what: "an address in the file",
    yaml: "stream: {kind: postgres, url: u}",
    env: {},
    fault: "stream.url (P_STREAM_URL): is a secret",
  },
  {
    what: "another kind",
    yaml: "stream: {kind: redis}",
    env: { P_STREAM_URL: "u" },
    fault: "stream.kind (P_STREAM_KIND): must be",
  },
  {
    what: "another client",
    yaml: "kafka: {brokers: [a:1], client: librdkafka}",
    env: {},
    fault: "kafka.client (P_KAFKA_CLIENT): must",
  },
  {
    what: "certificates without TLS",
    yaml: "kafka: {brokers: [a:1], caPath: ca.pem}",
    env: {},
    fault: "kafka.tls (P_KAFKA_TLS): is off although",
  },
])("$what is refused by name", async ({ yaml, env, fault }) => {
  expect(await load(yaml, env)).toEqual(expect.stringContaining(fault));
});

test("either of the two is taken, from the file or from the environment", async () => {
  expect(await load("kafka: {brokers: [a:1], client: kafkajs}")).toEqual({
    kafka: { brokers: ["a:1"], client: "kafkajs", tls: false },
  });
  expect(await load("", { KAFKA_BROKERS: "a:1" })).toEqual({ kafka: { brokers: ["a:1"], tls: false } });
  expect(await load("stream: {kind: postgres}", { P_STREAM_URL: "postgres://localhost/d" })).toEqual({
    stream: { kind: "postgres", url: "postgres://localhost/d" },
  });
});

test("the name for the log holds no secret", async () => {
  const log = createLog({ name: "test", level: "silent" });
  const options = { clientName: "test", log };
  const url = "postgres://user:password@host/database";
  expect((await streamServer({ stream: { kind: "postgres", url } }, options)).name).toBe("postgres");
  expect((await streamServer({ kafka: { brokers: ["a:1", "b:2"], tls: false } }, options)).name).toBe("kafka a:1,b:2");
});
