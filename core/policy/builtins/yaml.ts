/** `yaml.marshal`, `yaml.unmarshal` and `yaml.is_valid`, by way of JSON as in OPA: keys become texts, sets become lists. */
import { BuiltinError, builtinTable, stringArg } from "../builtin.ts";
import { writeYaml } from "./yaml/emit.ts";
import { readYaml } from "./yaml/read.ts";

export const YAML = builtinTable([
  ["yaml.marshal", ([value = null]) => writeYaml(value)],
  ["yaml.unmarshal", (args) => readYaml(stringArg(args, 0))],
  [
    "yaml.is_valid",
    ([text]) => {
      if (typeof text !== "string") return false;
      try {
        readYaml(text);
        return true;
      } catch (error) {
        if (error instanceof BuiltinError) return false;
        throw error;
      }
    },
  ],
]);
