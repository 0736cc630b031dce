/** Numbers and texts as bytes: all texts are one, so that a record is read with one copy of characters and the texts share them. */
export type PackedRecord = { readonly numbers: readonly number[]; readonly texts: readonly string[] };

/** What the bytes of one record stand in, and the same as numbers. */
export type Memory = { readonly bytes: Buffer; readonly view: DataView };

/** A record with its text, measured. */
type Measured = PackedRecord & { readonly text: string; readonly isWide: boolean; readonly byteLength: number };

// How many numbers, how many texts, whether two bytes are a character; then the numbers, where each text ends, and the text.
const TEXTS = 4;
const IS_WIDE = 8;
const HEAD_BYTES = 12;
const NUMBER_BYTES = 8;
const END_BYTES = 4;

export function measure({ numbers, texts }: PackedRecord): Measured {
  const text = texts.join("");
  const isWide = /[^\0-\xff]/.test(text);
  const textBytes = isWide ? text.length * 2 : text.length;
  const byteLength = HEAD_BYTES + numbers.length * NUMBER_BYTES + texts.length * END_BYTES + textBytes;
  return { numbers, texts, text, isWide, byteLength };
}

export function write({ bytes, view }: Memory, at: number, { numbers, texts, text, isWide }: Measured): void {
  view.setUint32(at, numbers.length);
  view.setUint32(at + TEXTS, texts.length);
  view.setUint32(at + IS_WIDE, isWide ? 1 : 0);
  let next = at + HEAD_BYTES;
  for (const number of numbers) {
    view.setFloat64(next, number);
    next += NUMBER_BYTES;
  }
  let end = 0;
  for (const { length } of texts) {
    end += length;
    view.setUint32(next, end);
    next += END_BYTES;
  }
  bytes.write(text, next, isWide ? "utf16le" : "latin1");
}

export function read({ bytes, view }: Memory, at: number): PackedRecord {
  const numbersAt = at + HEAD_BYTES;
  const endsAt = numbersAt + view.getUint32(at) * NUMBER_BYTES;
  const textAt = endsAt + view.getUint32(at + TEXTS) * END_BYTES;
  const isWide = view.getUint32(at + IS_WIDE) === 1;

  const numbers: number[] = [];
  for (let next = numbersAt; next < endsAt; next += NUMBER_BYTES) numbers.push(view.getFloat64(next));
  const length = textAt === endsAt ? 0 : view.getUint32(textAt - END_BYTES);
  const text = isWide
    ? bytes.toString("utf16le", textAt, textAt + length * 2)
    : bytes.toString("latin1", textAt, textAt + length);
  const texts: string[] = [];
  let begin = 0;
  for (let next = endsAt; next < textAt; next += END_BYTES) {
    const end = view.getUint32(next);
    texts.push(text.slice(begin, end));
    begin = end;
  }
  return { numbers, texts };
}
