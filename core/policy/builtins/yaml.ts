/** `yaml.marshal`, `yaml.unmarshal` and `yaml.is_valid`, by way of JSON as in OPA: keys become texts, sets become lists. */
import { BuiltinError, builtinTable, stringArg } from "../builtin.ts";
import { isRegoArray, RegoObject, RegoSet, type RegoValue } from "../rego-value/value.ts";
import { writeYaml } from "./yaml/emit.ts";
import { readYaml } from "./yaml/read.ts";

/** In fuel, of a value that is laid out on a line of its own. */
const PER_VALUE = 5_500;

function countOf(value: RegoValue): number {
  if (value instanceof RegoSet) return countOf(value.items);
  const items = value instanceof RegoObject ? [...value.entries()].map(([, item]) => item) : value;
  return isRegoArray(items) ? items.reduce<number>((sum, item) => sum + countOf(item), 1) : 1;
}

export const YAML = builtinTable([
  [
    "yaml.marshal",
    ([value = null], { pay }) => {
      pay(countOf(value) * PER_VALUE);
      return writeYaml(value, pay);
    },
  ],
  ["yaml.unmarshal", (args, { pay }) => readYaml(stringArg(args, 0), pay)],
  [
    "yaml.is_valid",
    ([text], { pay }) => {
      if (typeof text !== "string") return false;
      try {
        readYaml(text, pay);
        return true;
      } catch (error) {
        if (error instanceof BuiltinError) return false;
        throw error;
      }
    },
  ],
]);
