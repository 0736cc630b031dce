/** The order of keys in YAML that Go writes: digits inside names count as numbers (`a2` before `a10`), letters come last. */

const LETTER = /\p{L}/u;
const DIGIT = /\p{Nd}/u;

/** Of the characters of two keys. */
export function compareKeys(left: readonly string[], right: readonly string[]): number {
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const [x = "", y = ""] = [left[at], right[at]];
    if (x !== y) return compareAt(left, right, at);
  }
  return left.length - right.length;
}

function compareAt(left: readonly string[], right: readonly string[], at: number): number {
  const [x = "", y = ""] = [left[at], right[at]];
  const [isLetterX, isLetterY] = [LETTER.test(x), LETTER.test(y)];
  if (isLetterX && isLetterY) return code(x) - code(y);
  if (isLetterX || isLetterY) return isLetterY ? -1 : 1;
  // Digits before may have made the number begin already: then zeros count, too.
  const started = (x === "0" || y === "0") && beginsBefore(left, at) ? "1" : "";
  const [m, n] = [digitsFrom(left, at), digitsFrom(right, at)];
  const [i = "", j = ""] = [m, n].map((digits) => `${started}${digits}`.replace(/^0+/, ""));
  if (i !== j) return i.length === j.length ? (i < j ? -1 : 1) : i.length - j.length;
  if (m.length !== n.length) return m.length - n.length;
  return code(x) - code(y);
}

function beginsBefore(chars: readonly string[], at: number): boolean {
  for (let before = at - 1; before >= 0 && DIGIT.test(chars[before] ?? ""); before--) {
    if (chars[before] !== "0") return true;
  }
  return false;
}

function digitsFrom(chars: readonly string[], at: number): string {
  let digits = "";
  for (let index = at; /^[0-9]$/.test(chars[index] ?? ""); index++) digits += chars[index];
  return digits;
}

function code(char: string): number {
  return char.codePointAt(0) ?? 0;
}
