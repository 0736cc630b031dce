/** Directives where a schema uses them: known, in place, not repeated, with the arguments they need and no others. */
import { BuiltinError } from "../../builtin.ts";
import { RegoNumber, type RegoObject } from "../../rego-value/value.ts";
import { VALUE_KIND } from "./query-parser.ts";
import { nodeOf, nodesOf, textOf, textsOf } from "./shapes.ts";

type Where = {
  /** The directive whose own argument is looked at. */
  readonly ofDirective?: string;
  /** A type's directives are gathered from its extensions, each of which may use one. */
  readonly mayRepeat?: boolean;
};

export function checkDirectives(
  { directives }: { readonly directives: ReadonlyMap<string, RegoObject> },
  used: readonly RegoObject[],
  location: string,
  { ofDirective, mayRepeat = false }: Where = {},
): void {
  const seen = new Set<string>();
  for (const one of used) {
    const name = textOf(one, "Name");
    if (name.startsWith("__")) throw new BuiltinError(`Name "${name}" must not begin with "__"`);
    if (name === ofDirective) throw new BuiltinError(`Directive ${name} cannot refer to itself`);
    const definition = directives.get(name);
    if (definition === undefined) throw new BuiltinError(`Undefined directive ${name}`);
    if (!mayRepeat && seen.has(name) && definition.get("IsRepeatable") !== true) {
      throw new BuiltinError(`The directive ${name} can only be used once at this location`);
    }
    seen.add(name);
    if (!textsOf(definition, "Locations").includes(location)) {
      throw new BuiltinError(`Directive ${name} is not applicable on ${location}`);
    }
    checkArguments(name, nodesOf(definition, "Arguments"), nodesOf(one, "Arguments"));
  }
}

function checkArguments(directive: string, defined: readonly RegoObject[], given: readonly RegoObject[]): void {
  const names = new Set(defined.map((argument) => textOf(argument, "Name")));
  for (const argument of given) {
    if (!names.has(textOf(argument, "Name"))) throw new BuiltinError(`Undefined argument for directive ${directive}`);
  }
  for (const argument of defined) {
    const isRequired = nodeOf(argument, "Type")?.get("NonNull") === true && !argument.has("DefaultValue");
    const value = given.find((one) => textOf(one, "Name") === textOf(argument, "Name"));
    if (isRequired && (value === undefined || isNull(value))) {
      throw new BuiltinError(`An argument for directive ${directive} cannot be null`);
    }
  }
}

function isNull(argument: RegoObject): boolean {
  const kind = nodeOf(argument, "Value")?.get("Kind");
  return kind instanceof RegoNumber && kind.text === String(VALUE_KIND.null);
}
