/** Flags, width and precision of one directive of Go's fmt, and padding to that width. */

export type Flags = {
  plus: boolean;
  minus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  /** `%+v` and `%#v`, where the flag asks for another form and is no sign or prefix. */
  plusV: boolean;
  sharpV: boolean;
  width: number | undefined;
  precision: number | undefined;
};

export function noFlags(): Flags {
  const off = { plus: false, minus: false, sharp: false, space: false, zero: false, plusV: false, sharpV: false };
  return { ...off, width: undefined, precision: undefined };
}

export function pad(flags: Flags, text: string): string {
  const { width = 0 } = flags;
  // A character has one unit or two, so a text of twice the width is wide enough, whatever is in it.
  const missing = text.length >= 2 * width ? 0 : Math.max(width - [...text].length, 0);
  return flags.minus ? text + " ".repeat(missing) : padding(flags, missing) + text;
}

/** Looks at no more of the text than it gives. */
export function firstCharacters(text: string, count: number): string {
  let at = 0;
  for (let taken = 0; taken < count && at < text.length; taken++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return text.slice(0, at);
}

export function padding({ zero, minus }: Flags, length: number): string {
  return (zero && !minus ? "0" : " ").repeat(Math.max(length, 0));
}
