/**
 * Cuts given characters from the ends of a text. NB: a RegExp that ends with `[…]+$` begins anew at each such character, so
 * a text with many of them in its middle takes the square of its length.
 */

export function withoutStart(text: string, characters: string): string {
  let from = 0;
  while (from < text.length && characters.includes(text.charAt(from))) from++;
  return text.slice(from);
}

export function withoutEnd(text: string, characters: string): string {
  let to = text.length;
  while (to > 0 && characters.includes(text.charAt(to - 1))) to--;
  return text.slice(0, to);
}

export function withoutEnds(text: string, characters: string): string {
  return withoutEnd(withoutStart(text, characters), characters);
}
