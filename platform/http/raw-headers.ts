/** Headers as they arrived: name, value, name, value. NB: the objects that Node makes of them keep only the first `authorization` header. */
export function valuesIn(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const one = rawHeaders[at] ?? "";
    if (one.length === name.length && one.toLowerCase() === name) values.push(rawHeaders[at + 1] ?? "");
  }
  return values;
}
