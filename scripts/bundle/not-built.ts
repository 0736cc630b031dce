/** What stands in the source and does not come into the bundle, though it reads as if it did. */
import { field, list, type ParsedModule, placeOf } from "./ast.ts";
import { ASKED, isPolicy } from "./places.ts";

/** `strange`: files of data, and modules packed up. */
export function notBuilt(tests: readonly ParsedModule[], strange: readonly string[]): readonly string[] {
  const inTests = tests.flatMap(({ file, ast }) => {
    const said = list(field(ast, "rules"))
      .map((rule) => placeOf(ast, rule))
      .find((place) => isPolicy(place) && place.slice(2).some((part) => ASKED.includes(part)));
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
