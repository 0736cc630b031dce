import { expect, test } from "@jest/globals";
import { changeLines } from "./header-changes.ts";
import type { HeaderLine } from "./header-line.ts";

const client: readonly HeaderLine[] = [
  ["x-user", "sam"],
  ["x-a", "1"],
  ["x.user", "max"],
  ["x-user", ""],
];

test("a replaced header takes every line and spelling of the client with it", () => {
  expect(changeLines(client, [{ kind: "replace", line: ["x-user", "dana"] }])).toEqual([
    ["x-a", "1"],
    ["x-user", "dana"],
  ]);
});

test("a removed header goes in every spelling of the client", () => {
  expect(changeLines(client, [], ["x_user"])).toEqual([["x-a", "1"]]);
});

test("what is set stands although another spelling of it is removed", () => {
  expect(changeLines(client, [{ kind: "replace", line: ["x-user", "dana"] }], ["x_user"])).toEqual([
    ["x-a", "1"],
    ["x-user", "dana"],
  ]);
});

test("what is set and removed by the same name is removed", () => {
  expect(changeLines(client, [{ kind: "replace", line: ["x-user", "dana"] }], ["x-user"])).toEqual([["x-a", "1"]]);
});

test("a second value is added to the first, not to the client's", () => {
  const changes = [
    { kind: "replace", line: ["x-user", "dana"] },
    { kind: "add", line: ["x-user", "also"] },
  ] as const;
  expect(changeLines(client, changes)).toEqual([
    ["x-a", "1"],
    ["x-user", "dana"],
    ["x-user", "also"],
  ]);
});

test.each([
  ["add_if_absent", "x-a", [["x-a", "1"]]],
  [
    "add_if_absent",
    "x-b",
    [
      ["x-a", "1"],
      ["x-b", "2"],
    ],
  ],
  ["replace_if_present", "x-a", [["x-a", "2"]]],
  ["replace_if_present", "x-b", [["x-a", "1"]]],
  [
    "add",
    "x-a",
    [
      ["x-a", "1"],
      ["x-a", "2"],
    ],
  ],
] as const)("%s of %s", (kind, name, expected) => {
  expect(changeLines([["x-a", "1"]], [{ kind, line: [name, "2"] }])).toEqual(expected);
});
