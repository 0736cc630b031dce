/**
 * About how many instructions a pattern is compiled to, told without compiling it and in one pass: each character, class and group by the
 * counts that repeat it, one inside another. Of what is no pattern it says anything.
 */
const COUNT = /\{(\d{1,4})(?:,(\d{0,4}))?\}/y;
/** To look up all its ranges takes as long as this many instructions; without regard to case, to fold them too. */
const PER_UNICODE_CLASS = 100;
const PER_FOLDED_UNICODE_CLASS = 300;
/** Without regard to case each code point of a range is looked at. */
const FOLDED_PER_INSTRUCTION = 18;
/** No name in braces or of a POSIX class is longer. */
const MAX_NAME = 64;

type Part = { readonly end: number; readonly size: number };

export function expandedSize(pattern: string): number {
  const isFolding = /\(\?[a-zA-Z]*i/.test(pattern);
  const outer: number[] = [];
  let [sum, last] = [0, 0];
  for (let at = 0; at < pattern.length; ) {
    const char = pattern[at];
    if (char === "(") {
      outer.push(sum);
      [sum, last] = [0, 0];
      at += 1;
    } else if (char === ")") {
      last = sum + 2;
      sum = (outer.pop() ?? 0) + last;
      at += 1;
    } else if (char === "{" && countAt(pattern, at) !== null) {
      const [whole, least, most] = countAt(pattern, at) ?? [""];
      const added = last * (Math.max(1, Number(least), Number(most ?? 0)) - 1);
      sum += added;
      last += added;
      at += whole.length;
    } else {
      const { end, size } = partAt(pattern, at, isFolding);
      sum += size;
      last = pattern.startsWith("\\Q", at) ? 1 : size; // a count repeats the last character of what is quoted
      at = end;
    }
  }
  return sum + outer.reduce((all, one) => all + one, 0);
}

function countAt(pattern: string, at: number): RegExpExecArray | null {
  COUNT.lastIndex = at;
  return COUNT.exec(pattern);
}

/** What is no group and no count: an escape, a quoted text, a class, a character. */
function partAt(pattern: string, at: number, isFolding: boolean): Part {
  if (pattern[at] === "[") return classAt(pattern, at, isFolding);
  if (pattern[at] !== "\\") return { end: at + 1, size: 1 };
  if (pattern[at + 1] === "Q") {
    const end = pattern.indexOf("\\E", at + 2);
    const size = (end < 0 ? pattern.length : end) - at - 2;
    return { end: end < 0 ? pattern.length : end + 2, size };
  }
  const { end } = escapeAt(pattern, at);
  return { end, size: /p/i.test(pattern[at + 1] ?? "") ? unicodeClass(isFolding) : 1 };
}

function unicodeClass(isFolding: boolean): number {
  return isFolding ? PER_FOLDED_UNICODE_CLASS : PER_UNICODE_CLASS;
}

/** `highest`: the code point that it names. */
function escapeAt(pattern: string, at: number): { readonly end: number; readonly highest: number } {
  const name = pattern[at + 1] ?? "";
  if (/[pPx]/.test(name) && pattern[at + 2] === "{") {
    const text = pattern.slice(at + 3, at + 3 + MAX_NAME);
    const close = text.indexOf("}");
    if (close >= 0)
      return { end: at + 4 + close, highest: name === "x" ? Number.parseInt(text.slice(0, close), 16) || 0 : 0 };
  }
  return { end: at + 2, highest: pattern.codePointAt(at + 1) ?? 0 };
}

function classAt(pattern: string, open: number, isFolding: boolean): Part {
  let at = open + 1;
  if (pattern[at] === "^") at += 1;
  if (pattern[at] === "]") at += 1;
  let [highest, size] = [0, 1];
  while (at < pattern.length) {
    if (pattern[at] === "]")
      return { end: at + 1, size: isFolding ? size + Math.ceil(highest / FOLDED_PER_INSTRUCTION) : size };
    if (pattern[at] === "\\") {
      const escape = escapeAt(pattern, at);
      if (/p/i.test(pattern[at + 1] ?? "")) size += unicodeClass(isFolding);
      highest = Math.max(highest, escape.highest);
      at = escape.end;
    } else if (pattern.startsWith("[:", at)) {
      const close = pattern.slice(at, at + MAX_NAME).indexOf(":]");
      at += close < 0 ? 1 : close + 2;
    } else {
      const point = pattern.codePointAt(at) ?? 0;
      highest = Math.max(highest, point);
      at += point > 0xffff ? 2 : 1;
    }
  }
  return { end: pattern.length, size }; // without an end it is no pattern
}
