/**
 * The parts of a page that a command writes: each between `<!-- begin NAME -->` and `<!-- end NAME -->`, the rest is written by hand.
 */

/** What stands between the marks. @throws Error when the page has no place of that name */
export function readSection(page: string, name: string): string {
  return cut(page, name).section;
}

/** `page` with `text` between the marks, on lines of its own. @throws as readSection */
export function writeSection(page: string, name: string, text: string): string {
  const { before, after } = cut(page, name);
  return `${before}\n${text}\n${after}`;
}

function cut(
  page: string,
  name: string,
): { readonly before: string; readonly section: string; readonly after: string } {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const from = page.indexOf(begin) + begin.length;
  const to = page.indexOf(end, from);
  if (from < begin.length || to < 0) throw new Error(`the page has no ${begin} … ${end}`);
  return { before: page.slice(0, from), section: page.slice(from, to), after: page.slice(to) };
}
