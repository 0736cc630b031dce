import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { compositionFault, withComposition } from "./composition.ts";

const ref = (...names: readonly string[]): object[] => names.map((value) => ({ type: "string", value }));

function module(path: readonly string[], rules: readonly string[]): { file: string; ast: unknown } {
  const heads = rules.map((rule) => ({ head: { ref: ref(...rule.split(".")) } }));
  return { file: "x.rego", ast: { package: { path: ref("data", ...path) }, rules: heads } };
}

const marked = "package countersign\n\n# composition begins\nold := 1\n# composition ends\n\nkept := 2\n";
const policies = ["countersign", "policies"];

test("a text without the marks stays as it is", () => {
  const text = "package countersign\n\n_denials := set()\n";
  expect(withComposition(text, [module([...policies, "a"], ["deny"])])).toBe(text);
});

test("each set of each package is named, once, and nothing else is", () => {
  const text = withComposition(marked, [
    module([...policies, "orders"], ["allow", "deny", "deny", "_allow", "denyx"]),
    module([...policies, "orders"], ["deny", "elevate"]),
    module([...policies, "admin"], ["deny", "response.headers"]),
    module(["countersign", "lib", "http"], ["deny"]),
    module(["countersign"], ["deny"]),
  ]);
  expect(text).not.toContain("old := 1");
  expect(text).toContain("\nkept := 2\n");
  const rules = text.split("\n").filter((line) => line.startsWith("_"));
  expect(rules).toEqual([
    '_denials contains reason if some reason in data.countersign.policies["admin"].deny',
    '_denials contains reason if some reason in data.countersign.policies["orders"].deny',
    '_allowances contains reason if some reason in data.countersign.policies["orders"].allow',
    '_elevations contains elevation if some elevation in data.countersign.policies["orders"].elevate',
    '_responses contains data.countersign.policies["admin"].response',
    "_malformed := set()",
  ]);
});

test("what no package says is an empty set, and a name is never read as a pattern", () => {
  const text = withComposition(marked, [module([...policies, "$&-$1"], ["allow"])]);
  expect(text).toContain('data.countersign.policies["$&-$1"].allow');
  for (const empty of ["_denials", "_elevations", "_responses"]) expect(text).toContain(`${empty} := set()`);
});

test("a rule that somebody wrote between the marks, which would be lost, is a fault; of our own source, nothing is", async () => {
  const text = await readFile(join(import.meta.dirname, "../../rego/countersign/decision.rego"), "utf8");
  expect(compositionFault(text)).toBeUndefined();
  expect(
    compositionFault(text.replace("# composition ends\n", '# composition ends\n\n_denials contains "frozen"\n')),
  ).toBeUndefined();
  const lost = text.replace(
    "# composition ends\n",
    '_denials contains "frozen" if input.frozen\n\n# composition ends\n',
  );
  expect(compositionFault(lost)).toContain("write rules of your own below the marks");
  expect(compositionFault(lost.replace("# composition begins\n", ""))).toBeUndefined();
});
