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
  const missing = Math.max((flags.width ?? 0) - [...text].length, 0);
  return flags.minus ? text + " ".repeat(missing) : padding(flags, missing) + text;
}

export function padding({ zero, minus }: Flags, length: number): string {
  return (zero && !minus ? "0" : " ").repeat(Math.max(length, 0));
}
