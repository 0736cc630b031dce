/** A text of Rego costs no more than its length and what it pays on its way, however it is made. */
import { expect, test } from "@jest/globals";
import { builtinCall, callBuiltin, runBuiltin } from "../../../../test/harness/run-builtin.ts";
import { threadMs } from "../../../../test/harness/thread-time.ts";

const LONG = 300_000;
const parse = (source: string): string => callBuiltin("rego.parse_module", "x.rego", source);

test.each<readonly [string, string, string]>([
  ["a string without an end", `p := "${"\\n".repeat(LONG)}`, "error"],
  ["a template without an end", `p := $"${"\\{".repeat(LONG)}`, "error"],
  ["a raw template without an end", `p := $\`${"\\{".repeat(LONG)}`, "error"],
  ["digits that are no number", `p := ${"1".repeat(LONG)}.${"1".repeat(LONG)}x`, "error"],
  ["a number that is too big", `p := ${"9".repeat(LONG)}`, "error"],
  ...["[", "(", "{", "f(", "x[", "-x+", '$"{', "[x | ", "{x: y | ", "x in ", "f(x)."].map(
    (open) => [`${open} again and again`, `p := ${open.repeat(LONG)}`, "limit"] as const,
  ),
  ["a body in each body", `p if { ${"every x in y { ".repeat(LONG)}`, "limit"],
  ["an else for each else", `p if x ${"else if x ".repeat(LONG)}`, "limit"],
  ["a not for each not", `import future.keywords\np if ${"not { ".repeat(LONG)}`, "limit"],
  ["an or for each operand", `import future.keywords\np if x ${"or y ".repeat(LONG)}`, "limit"],
])("%s is answered in little time", (_, source, answer) => {
  const ms = threadMs(2_000, () => {
    expect(parse(`package a\n${source}`)).toBe(answer);
  });
  expect(ms).toBeLessThan(2_000);
});

function costOf(source: string): number {
  let cost = 0;
  const call = { ...builtinCall, pay: (units: number) => void (cost += units) };
  expect(runBuiltin("rego.parse_module", JSON.stringify(["x.rego", source]), call)).not.toBe("limit");
  return cost;
}

test.each<readonly [string, (size: number) => string]>([
  ["rules", (size) => "p if { x }\n".repeat(size)],
  ["comments", (size) => "#\n".repeat(size)],
  ["members of a set", (size) => `p := {${"x, ".repeat(size)}}`],
  ["bodies that were first read as an object", (size) => "p if { x := 1 }\n".repeat(size)],
  ["characters of a string", (size) => `p := "${"a".repeat(1_000 * size)}"`],
])("more %s cost more, in proportion", (_, source) => {
  const [few, many] = [costOf(`package a\n${source(40)}`), costOf(`package a\n${source(160)}`)];
  expect(many).toBeGreaterThan(3 * few);
  expect(many).toBeLessThan(5 * few);
});

test("what cannot be read is looked at once, however many ways lead there, and is paid", () => {
  const unreadable = (ways: number, length: number) =>
    costOf(`package a\nimport future.keywords\np if ${"{a|".repeat(ways)}"${"a".repeat(length)}`);
  expect(unreadable(1, 800_000)).toBeGreaterThan(1.9 * unreadable(1, 400_000));
  expect(unreadable(6, 800_000) - unreadable(6, 0)).toBeLessThan(1.1 * (unreadable(1, 800_000) - unreadable(1, 0)));
});

test("a text that can be read in twice as many ways at each level pays for it", () => {
  const nested = (depth: number) => `import future.keywords\np := ${"{x | ".repeat(depth)}y${"}".repeat(depth)}`;
  const [few, many] = [costOf(`package a\n${nested(5)}`), costOf(`package a\n${nested(8)}`)];
  expect(many).toBeGreaterThan(4 * few);
});
