import { expect, test } from "@jest/globals";
import { createLog } from "./log.ts";
import { errorLine } from "./shown-error.ts";

function lineOf(error: unknown): string {
  let line = "";
  createLog({ name: "test", destination: { write: (text: string) => void (line += text) } }).error({ err: error }, "x");
  return line;
}

const CANARY = "CANARY";
const ofDatabase = (code: string, message: string) =>
  Object.assign(new Error(message), { severity: "ERROR", code, detail: `Key (a)=(${CANARY})`, where: CANARY });

test.each([
  [
    "a member that a library hung on it",
    Object.assign(new TypeError("Invalid URL"), { input: `postgres://u:${CANARY}@h` }),
  ],
  ["the row that a constraint refused", ofDatabase("23505", 'duplicate key value violates unique constraint "k"')],
  ["a value that the database could not read", ofDatabase("22P02", `invalid input syntax for type uuid: "${CANARY}"`)],
  ["a password in an address", new Error(`cannot reach postgresql://app:${CANARY}@db.internal:5432/x`)],
  ["a password with an @ in it", new Error(`cannot reach postgresql://app:p@${CANARY}@db.internal:5432/x`)],
  ["a password with a slash in it", new Error(`cannot reach postgresql://app:p/${CANARY}@db.internal:5432/x`)],
  ["a token by its scheme", new Error(`refused: authorization Bearer ${CANARY}.${CANARY}.${CANARY}`)],
  ["what is thrown and is no error", { token: CANARY }],
  ["a text that is thrown", CANARY],
  ["a cause, however deep", new Error("outer", { cause: new Error("inner", { cause: ofDatabase("22001", CANARY) }) })],
])("%s is not shown", (_what, error) => {
  expect(lineOf(error)).not.toContain(CANARY);
  expect(errorLine(error)).not.toContain(CANARY);
});

test("what helps is shown: kind, message, code, constraint, place and causes", () => {
  const cause = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  const line: unknown = JSON.parse(lineOf(new Error("cannot reach postgresql://db/x", { cause })));
  expect(line).toMatchObject({
    err: {
      type: "Error",
      message: "cannot reach postgresql://db/x",
      stack: expect.stringContaining("shown-error.test.ts"),
      cause: { message: "connect ECONNREFUSED", code: "ECONNREFUSED" },
    },
  });
});
