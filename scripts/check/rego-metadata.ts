/**
 * METADATA is what a policy author reads first: each package says once what it is for, and each rule that others may use has a title.
 * Names with `_` are private and tests speak for themselves. Reads what `opa parse --format json` gives of each file.
 */

export type ParsedFile = { readonly file: string; readonly ast: unknown };

export function missingMetadata(files: readonly ParsedFile[]): readonly string[] {
  const faults = new Set<string>();
  const described = new Set<string>();
  const packages = new Map<string, string>();
  for (const { file, ast } of files) {
    const name = refText(at(at(ast, "package"), "path"));
    if (!packages.has(name)) packages.set(name, file);
    const annotations = list(at(ast, "annotations"));
    if (annotations.some((one) => at(one, "scope") === "package" && hasTitle(one))) described.add(name);
    const titled = new Set<string>();
    for (const rule of list(at(ast, "rules"))) {
      const own = refText(at(at(rule, "head"), "ref"));
      if (own.startsWith("_") || titled.has(own)) continue;
      // One of several bodies of a function or set may speak for all of them.
      if (list(at(rule, "annotations")).some(hasTitle)) titled.add(own);
      else faults.add(`${file}: ${own} has no METADATA with a title`);
    }
  }
  for (const [name, file] of packages) {
    if (!described.has(name)) faults.add(`${file}: package ${name} has no METADATA with a title and scope: package`);
  }
  return [...faults];
}

function hasTitle(annotation: unknown): boolean {
  const title = at(annotation, "title");
  return typeof title === "string" && title !== "";
}

function refText(ref: unknown): string {
  return list(ref)
    .map((term) => String(at(term, "value")))
    .join(".");
}

function at(node: unknown, name: string): unknown {
  return typeof node === "object" && node !== null ? Reflect.get(node, name) : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
