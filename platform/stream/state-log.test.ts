import { expect, test } from "@jest/globals";
import { createLog } from "../log/log.ts";
import { createStateLog } from "./state-log.ts";

function recorded() {
  const lines: string[] = [];
  const log = createLog({ name: "test", destination: { write: (line: string) => void lines.push(line) } });
  return { lines, state: createStateLog(log, "reading") };
}

test("an outage is two lines however often is tried, and none of them holds a stack", () => {
  const { lines, state } = recorded();
  for (let tried = 0; tried < 50; tried += 1) state.failed(new Error("connection refused"));
  state.worked();
  state.worked();
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    { level: "warn", event: "stream_away", part: "reading", reason: "Error: connection refused" },
    { level: "info", event: "stream_back", part: "reading" },
  ]);
  expect(lines.join("")).not.toMatch(/stack|at .*state-log/);
});

test("what always worked is not worth a line, and a second outage is told again", () => {
  const { lines, state } = recorded();
  state.worked();
  expect(lines).toEqual([]);
  for (const error of ["one", "two"]) {
    state.failed(error);
    state.worked();
  }
  expect(lines).toHaveLength(4);
});
