/**
 * About how many instructions a pattern is compiled to, told without compiling it: each character, class and group by the counts that
 * repeat it, one inside another. Of what is no pattern it says anything.
 */
const TOKEN = /\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d{1,4})(?:,(\d{0,4}))?\}|[^]/gu;
/** To look up all its ranges takes as long as this many instructions. */
const UNICODE_CLASS = /\\p/gi;
const PER_UNICODE_CLASS = 100;

export function expandedSize(pattern: string): number {
  const outer: number[] = [];
  let [sum, last] = [0, 0];
  for (const [token, least, most] of pattern.matchAll(TOKEN)) {
    if (token === "(") {
      outer.push(sum);
      sum = 0;
      last = 0;
      continue;
    }
    if (least !== undefined) {
      const added = last * (Math.max(1, Number(least), Number(most ?? 0)) - 1);
      sum += added;
      last += added;
    } else if (token === ")") {
      last = sum + 2;
      sum = (outer.pop() ?? 0) + last;
    } else {
      last = 1;
      sum++;
    }
  }
  return (
    sum + outer.reduce((all, one) => all + one, 0) + PER_UNICODE_CLASS * (pattern.match(UNICODE_CLASS)?.length ?? 0)
  );
}
