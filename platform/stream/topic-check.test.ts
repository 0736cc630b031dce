import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { createLog } from "../log/log.ts";
import { startTopicCheck } from "./topic-check.ts";

test("what fails because the process ends is not told: the last line is why it ends", async () => {
  const lines: string[] = [];
  const log = createLog({ name: "test", destination: { write: (line: string) => void lines.push(line) } });
  const end = new AbortController();
  const verifying = Promise.withResolvers<never>();
  startTopicCheck({ verify: () => verifying.promise, onFault: () => {}, log }, end.signal);
  end.abort();
  verifying.reject(new Error("connection refused"));
  await turn();
  expect(lines).toEqual([]);
});

test("what fails otherwise is", async () => {
  const lines: string[] = [];
  const log = createLog({ name: "test", destination: { write: (line: string) => void lines.push(line) } });
  const end = new AbortController();
  const verify = () => Promise.reject(new Error("connection refused"));
  startTopicCheck({ verify, onFault: () => {}, log }, end.signal);
  await turn();
  end.abort();
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([{ event: "stream_away" }]);
});
