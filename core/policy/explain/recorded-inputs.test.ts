import { expect, test } from "@jest/globals";
import { recordedInputs } from "./recorded-inputs.ts";

test.each([
  ["not JSON", "{", "line 1: not JSON"],
  ["no object", "[1]", "line 1: not an object"],
  ["an input without a moment", '{"action":{}}', "line 1: no moment"],
  ["a moment of the request that is none", '{"attributes":{"request":{"time":{"seconds":1.5}}}}', "line 1: no moment"],
  ["a moment that is none", '{"input":{},"time":"yesterday"}', "line 1: the time is not RFC 3339"],
  ["the second line", '{"input":{},"time":"2026-11-24T10:00:00Z"}\n7', "line 2: not an object"],
])("%s is refused by its line", (_what, text, problem) => {
  expect(() => recordedInputs(text)).toThrow(problem);
});

test("records and bare inputs may stand in one file; digits stay as they were", () => {
  const text = [
    '{"decision_id":"d1","time":"2026-11-24T10:00:00Z","input":{"parsed_body":9007199254740993}}',
    "",
    '{"context":{"time":"1970-01-01T00:00:01Z"}}',
    '{"attributes":{"request":{"time":{"seconds":2,"nanos":7}}}}',
    '{"attributes":{"request":{"time":"1970-01-01T00:00:03Z"}}}',
  ].join("\n");
  expect(recordedInputs(text)).toEqual([
    { name: "d1", json: '{"parsed_body":9007199254740993}', nowNs: 1_795_514_400_000_000_000n },
    { name: "line 3", json: '{"context":{"time":"1970-01-01T00:00:01Z"}}', nowNs: 1_000_000_000n },
    { name: "line 4", json: expect.anything(), nowNs: 2_000_000_007n },
    { name: "line 5", json: expect.anything(), nowNs: 3_000_000_000n },
  ]);
});
