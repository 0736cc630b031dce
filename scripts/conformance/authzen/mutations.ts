/**
 * Bodies that differ from a good one in one member: left out, of a wrong type, nested too deep, far too long, or there twice. None of them
 * asks for something else that could be allowed: what a policy may read in any form (properties, context) is changed only as a whole, and
 * what has a default (in an item of a batch) or a meaning by being absent (properties) is not left out.
 */
const FREE_FORM: ReadonlySet<string> = new Set(["properties", "context"]);
const DEEP = "[".repeat(100) + "]".repeat(100);
const LONG = JSON.stringify("x".repeat(20_000));
/** Of a wrong type nearly everywhere. */
const WRONG = ["7", "null", "[]", DEEP, LONG];

/** JSON texts, not values: a value cannot hold a member twice. */
export function* mutationsOf(value: unknown, isInItem = false): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    const items = value.map((item) => JSON.stringify(item));
    for (const [at, item] of value.entries())
      for (const other of mutationsOf(item, true)) yield `[${items.with(at, other).join()}]`;
    return;
  }
  const entries: readonly [string, unknown][] = Object.entries(value);
  const members = entries.map(([name, inner]) => `${JSON.stringify(name)}:${JSON.stringify(inner)}`);
  for (const [at, [name, inner]] of entries.entries()) {
    const quoted = JSON.stringify(name);
    const whole = members[at] ?? "";
    const others = [...WRONG.map((wrong) => `${quoted}:${wrong}`), `${quoted}:7,${whole}`, `${whole},${quoted}:7`];
    if (!FREE_FORM.has(name)) for (const other of mutationsOf(inner, isInItem)) others.push(`${quoted}:${other}`);
    for (const other of others) yield `{${members.with(at, other).join()}}`;
    if (!isInItem && name !== "properties") yield `{${members.toSpliced(at, 1).join()}}`;
  }
}
