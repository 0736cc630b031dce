/**
 * Configuration of a process: one YAML file and environment variables, validated by one TypeBox schema. All faults are reported at once, each
 * with its key, its variable and what to do. Anything unknown prevents the start, since a misspelt safety setting is worse than none.
 *
 * Rules
 * - A key's variable is `x-env-variable` of its schema, else the prefix and the path: `http.listenPort` is `<PREFIX>HTTP_LISTEN_PORT`. Keys are
 *   the leaves: strings, numbers, booleans, arrays and maps. A variable overrides the file; an empty one counts as not set.
 * - Text stays text; everything else in a variable is read as YAML (so `true`, `8080`, `[a, b]`, `{a: b}`). An array of strings may also be
 *   `a,b`.
 * - A key marked `x-secret: true` is not allowed in the file. It comes from its variable or from the file that `<VARIABLE>_FILE` names, without
 *   its final line break. Any other text key accepts `_FILE` too; setting both is a fault.
 * - Objects are closed (`additionalProperties: false`), because open ones would accept misspelt keys: an open object is a fault of the schema.
 * - An unknown variable with our prefix is a fault.
 * - Values are never repeated in a fault: they may be secrets.
 */
import { readFile } from "node:fs/promises";
import type { Static, TObject } from "typebox";
import Value from "typebox/value";
import { parse, YAMLParseError } from "yaml";
import { merged, withAllFindings } from "../schema-faults.ts";
import type { ConfigFault } from "./fault.ts";
import { type ConfigKey, keysOf } from "./keys.ts";
import { faultsAmong, type Rule } from "./rules.ts";
import { serviceLinkAdvice } from "./service-links.ts";

type Loaded<T> =
  | { readonly kind: "loaded"; readonly config: T }
  | { readonly kind: "invalid"; readonly faults: readonly ConfigFault[] };

type Tree = { [key: string]: unknown };

/**
 * Loads a configuration. Never rejects: what cannot be read is a fault. `rules` name combinations that are unsafe together, at the same time
 * as everything else that is wrong, as far as the values concerned can be read.
 */
export async function loadConfig<S extends TObject>(options: {
  readonly schema: S;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file?: string;
  /** With its underscore: `MYPRODUCT_`. */
  readonly prefix: string;
  readonly rules?: readonly Rule<Static<S>>[];
}): Promise<Loaded<Static<S>>> {
  const { schema, env, file, prefix, rules = [] } = options;
  const faults: ConfigFault[] = [];
  const { keys, sections, openObjects } = keysOf(schema, prefix);
  for (const path of openObjects) {
    faults.push({
      key: path || "(root)",
      variable: undefined,
      problem: "the schema leaves this object open; close it",
    });
  }

  const tree = file === undefined ? nullTree() : await readYaml(file, faults);
  // With nothing read there is nothing to be judged: what is missing then is only not known.
  const isReadable = faults.length === 0;
  for (const section of sections) {
    if (!has(tree, section)) put(tree, section, nullTree());
  }
  for (const key of keys) {
    if (key.secret && has(tree, key.path)) {
      faults.push(fault(key, `is a secret and not allowed in the file; set ${key.variable}_FILE or ${key.variable}`));
    }
    const value = await fromEnvironment(key, env, faults);
    if (value !== undefined) put(tree, key.path, value);
  }
  const known = new Set(keys.flatMap(({ variable }) => [variable, `${variable}_FILE`]));
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith(prefix) || known.has(variable)) continue;
    faults.push({
      key: variable,
      variable,
      problem: "is not a variable of this program; remove it or correct its name",
    });
  }

  const candidate: unknown = Value.Default(schema, tree);
  for (const problem of problemsOf(schema, candidate, keys)) faults.push(problem);
  const named = (one: ConfigFault): ConfigFault => ({
    ...one,
    variable: one.variable ?? variableOf(one.key.split("."), keys),
  });
  const advised = (one: ConfigFault): ConfigFault => {
    const advice = one.variable === undefined ? "" : serviceLinkAdvice(one.variable, env[one.variable]);
    return { ...one, problem: `${one.problem}${advice}` };
  };
  if (faults.length > 0) {
    const unreadable = new Set(faults.map(({ key }) => key));
    const more = isReadable && isLike(schema, candidate) ? faultsAmong(rules, candidate, unreadable) : [];
    return { kind: "invalid", faults: [...faults, ...more.map(named)].map(advised) };
  }
  const config = Value.Parse(schema, candidate);
  const unsafe = rules.flatMap((rule) => rule(config)).map(named);
  return unsafe.length > 0 ? { kind: "invalid", faults: unsafe } : { kind: "loaded", config };
}

/** NB: where it is not, somebody has said so: what is looked at through `faultsAmong` is guarded against reading that. */
function isLike<S extends TObject>(_schema: S, candidate: unknown): candidate is Static<S> & object {
  return isTree(candidate);
}

/** One line per fault, for standard error. */
export function describeFaults(faults: readonly ConfigFault[]): string {
  return faults
    .map(
      ({ key, variable, problem }) =>
        `${key}${variable === undefined || variable === key ? "" : ` (${variable})`}: ${problem}`,
    )
    .join("\n");
}

async function readYaml(file: string, faults: ConfigFault[]): Promise<Tree> {
  try {
    const document: unknown = parse(await readFile(file, "utf8"), { maxAliasCount: 0, uniqueKeys: true });
    if (document === null || document === undefined) return nullTree();
    if (isTree(document)) return copy(document);
    faults.push({ key: file, variable: undefined, problem: "must be a YAML mapping at its top level; correct it" });
  } catch (error) {
    const place =
      error instanceof YAMLParseError ? `line ${error.linePos?.[0].line ?? "?"}: ${error.code}` : fileTrouble(error);
    faults.push({
      key: file,
      variable: undefined,
      problem: `cannot be read (${place}); correct the file or name another one`,
    });
  }
  return nullTree();
}

async function fromEnvironment(
  key: ConfigKey,
  env: Readonly<Record<string, string | undefined>>,
  faults: ConfigFault[],
): Promise<unknown> {
  const text = env[key.variable] || undefined;
  const path = env[`${key.variable}_FILE`] || undefined;
  if (path !== undefined && key.kind !== "text") {
    faults.push(fault(key, `only text can come from a file; unset ${key.variable}_FILE`));
    return undefined;
  }
  if (path !== undefined && text !== undefined) {
    faults.push(fault(key, `${key.variable} and ${key.variable}_FILE are both set; unset one`));
    return undefined;
  }
  if (path !== undefined) {
    try {
      return (await readFile(path, "utf8")).replace(/\r?\n$/, "");
    } catch (error) {
      faults.push(
        fault(
          key,
          `the file in ${key.variable}_FILE cannot be read (${codeOf(error)}); correct its path or permissions`,
        ),
      );
      return undefined;
    }
  }
  if (text === undefined || key.kind === "text") return text;
  if (key.kind === "list" && !text.trimStart().startsWith("[")) return text.split(",").map((item) => item.trim());
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch {
    faults.push(
      fault(key, "is not readable as YAML; write numbers and booleans plainly, lists as [a, b], maps as {a: b}"),
    );
    return undefined;
  }
}

function problemsOf(schema: TObject, candidate: unknown, keys: readonly ConfigKey[]): ConfigFault[] {
  const found = new Map<string, ConfigFault>();
  const add = (path: readonly string[], problem: string) => {
    const name = path.join(".");
    if (!found.has(name)) found.set(name, { key: name, variable: variableOf(path, keys), problem });
  };
  for (const { keyword, instancePath, params, message } of merged(
    withAllFindings(() => Value.Errors(schema, candidate)),
  )) {
    const path = instancePath.split("/").slice(1).map(unescapePointer);
    if (keyword === "required") {
      const { requiredProperties: missing } = params;
      for (const name of Array.isArray(missing) ? missing : []) add([...path, String(name)], "is missing; set it");
    } else if (keyword === "additionalProperties") {
      const { additionalProperties: extra } = params;
      for (const name of Array.isArray(extra) ? extra : [])
        add([...path, String(name)], "is not a key of this program; remove it or correct its name");
    } else {
      add(path, `${message}; correct it`);
    }
  }
  return [...found.values()];
}

/** Of what stands inside a list or a map: the variable of the whole. NB: names in a map may hold dots. */
function variableOf(path: readonly string[], keys: readonly ConfigKey[]): string | undefined {
  return keys.find((key) => key.path.every((name, at) => name === path[at]))?.variable;
}

function fault({ path, variable }: ConfigKey, problem: string): ConfigFault {
  return { key: path.join("."), variable, problem };
}

function nullTree(): Tree {
  return Object.create(null);
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function copy(tree: Tree): Tree {
  const result = nullTree();
  for (const [key, value] of Object.entries(tree)) result[key] = isTree(value) ? copy(value) : value;
  return result;
}

function has(tree: Tree, [head = "", ...rest]: readonly string[]): boolean {
  if (!Object.hasOwn(tree, head)) return false;
  const value = tree[head];
  return rest.length === 0 || (isTree(value) && has(value, rest));
}

function put(tree: Tree, [head = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    tree[head] = value;
    return;
  }
  const inner = tree[head];
  const next = isTree(inner) ? inner : nullTree();
  tree[head] = next;
  put(next, rest, value);
}

function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

function fileTrouble(error: unknown): string {
  return /alias/i.test(String(error)) ? "it uses YAML aliases, which are not followed" : codeOf(error);
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "unreadable";
}
