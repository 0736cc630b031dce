/**
 * Base64 as Go's encoding/base64 reads it: line breaks are skipped, padding has to be exact, anything else is refused.
 * Node's own decoder skips whatever it does not know, which would let two different texts stand for the same bytes.
 */

/** Standard alphabet, padded; undefined when it is not base64. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const plain = text.replace(/[\r\n]/g, "");
  const isValid = plain.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(plain);
  return isValid ? Buffer.from(plain, "base64") : undefined;
}

/** URL alphabet, padded or not (RFC 7515 appendix C); undefined when it is not base64url. */
export function decodeBase64Url(text: string): Uint8Array | undefined {
  const padded = text.endsWith("=") ? text : text.padEnd(text.length + ((4 - (text.length % 4)) % 4), "=");
  const plain = padded.replace(/[\r\n]/g, "");
  const isValid = plain.length % 4 === 0 && /^[A-Za-z0-9_-]*={0,2}$/.test(plain);
  return isValid ? Buffer.from(plain, "base64url") : undefined;
}
