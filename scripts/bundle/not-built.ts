/** What stands in the source and does not come into the bundle, though it reads as if it did. */
import { field, list, type ParsedModule, placeOf } from "./ast.ts";

const SAYS = ["deny", "elevate", "allow", "response"];

/** `strange`: files of data, and modules packed up. */
export function notBuilt(tests: readonly ParsedModule[], strange: readonly string[]): readonly string[] {
  const inTests = tests.flatMap(({ file, ast }) => {
    const said = list(field(ast, "rules"))
      .map((rule) => placeOf(ast, rule))
      .find(isPolicy);
    return said === undefined
      ? []
      : [
          `${file}: ${said.join(".")} stands in a file of tests by its name, which is not built; name it otherwise than _test.rego`,
        ];
  });
  return [
    ...inTests,
    ...strange.map(
      (file) =>
        `${file}: data does not come into the bundle, and a rule that looks it up finds nothing; say it in Rego`,
    ),
  ];
}

function isPolicy([first, second, ...more]: readonly string[]): boolean {
  return first === "countersign" && second === "policies" && more.some((part) => SAYS.includes(part));
}
