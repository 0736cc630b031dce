/** A certificate as it comes in DER, of the parts that a reader has to go through; its key and its signature are of no algorithm that is known. */

type Parts = {
  /** Big-endian. */
  readonly serial?: Uint8Array;
  /** Bits at the end of the signature that do not count. */
  readonly unusedBits?: number;
  readonly signature?: Uint8Array;
};

export function derCertificate({
  serial = Uint8Array.of(5),
  unusedBits = 0,
  signature = Uint8Array.of(0),
}: Parts): Buffer {
  const algorithm = element(0x30, element(0x06, Buffer.of(0x2a, 3)));
  const name = element(0x30);
  const time = element(0x17, Buffer.from("261128090000Z"));
  const key = element(0x30, algorithm, element(0x03, Buffer.of(0, 1)));
  const signed = element(0x30, element(0x02, serial), algorithm, name, element(0x30, time, time), name, key);
  return element(0x30, signed, algorithm, element(0x03, Buffer.of(unusedBits), signature));
}

function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const short = length.subarray(length.findIndex((byte) => byte > 0));
  const size = body.length < 0x80 ? [body.length] : [0x80 | short.length, ...short];
  return Buffer.concat([Buffer.of(tag, ...size), body]);
}
