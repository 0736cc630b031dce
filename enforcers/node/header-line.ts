/**
 * One header line as everything here passes it on: the name in lower case, the value with one character per byte. That is how
 * node:http reads a line and undici writes it, so what is not touched leaves as the bytes that came.
 */

export type HeaderLine = readonly [name: string, value: string];

/** The list in which node:http hands out and takes header lines: name, value, name, value. */
export function flatten(lines: readonly HeaderLine[]): string[] {
  return lines.flat();
}

/** The lines of such a list, names in lower case, order kept. */
export function linesOf(flat: readonly string[]): HeaderLine[] {
  const lines: HeaderLine[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) lines.push([(flat[at] ?? "").toLowerCase(), flat[at + 1] ?? ""]);
  return lines;
}

/** The options that a list of `connection` (or `upgrade`) lines names: lower case, without empty ones. */
export function tokensOf(values: readonly string[]): readonly string[] {
  return values
    .flatMap((value) => value.split(","))
    .map((token) => token.trim().toLowerCase())
    .filter((token) => token !== "");
}

/** Lines that speak of one connection and not of the message; they end where the connection ends (RFC 9110 section 7.6.1). */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
