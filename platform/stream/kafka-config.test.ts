import { expect, test } from "@jest/globals";
import { exchanged } from "./kafka-config.ts";

const before = {
  ...{ brokers: ["kafka:9092"], clientId: "decision" },
  sasl: { mechanism: "scram-sha-512", username: "decision", password: "old" },
} as const;

test("credentials are exchanged for the brokers that they are for; others, or none where there were some, need a restart", () => {
  const sasl = { ...before.sasl, password: "new" };
  expect(exchanged(before, { ...before, sasl })).toEqual({ ...before, sasl });
  const elsewhere = { ...before, brokers: ["127.0.0.1:9092"], sasl: { ...sasl, mechanism: "plain" } } as const;
  expect(() => exchanged(before, elsewhere)).toThrow("kafka.brokers: to change them needs a restart");
  expect(() => exchanged(before, { brokers: before.brokers, clientId: "decision" })).toThrow("needs a restart");
});
