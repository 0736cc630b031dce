/** Appends to data held in parts, so that few copies are made and little memory is held for a length that is only claimed. */
const FIRST_BYTES = 4_096;

/**
 * `chunk` behind the first `heldBytes` of `held`: there where it has room, in a larger copy otherwise. NB: not a list of chunks: each of them is an
 * object of hundreds of bytes, and who sends may send one byte in each.
 */
export function appendChunk(held: Buffer | undefined, heldBytes: number, chunk: Buffer): Buffer {
  // Nearly always the whole: then nothing is copied.
  if (held === undefined) return chunk;
  const wanted = heldBytes + chunk.length;
  const roomy = wanted > held.length ? larger(held, heldBytes, wanted) : held;
  chunk.copy(roomy, heldBytes);
  return roomy;
}

function larger(held: Buffer, heldBytes: number, wanted: number): Buffer {
  const copy = Buffer.allocUnsafe(Math.max(FIRST_BYTES, wanted, held.length * 2));
  held.copy(copy, 0, 0, heldBytes);
  return copy;
}
