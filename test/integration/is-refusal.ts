/**
 * Whether an edge said no: 4xx or 503. 501 is one for a transfer coding alone: RFC 9112 section 6.1 asks for it where a coding is not understood;
 * elsewhere it would be a gap of the edge. A connection that ends without an answer is none.
 */
export function isRefusal(status: number, request: Buffer): boolean {
  if (status === 501) return /^transfer-encoding/im.test(request.toString("latin1"));
  return (status >= 400 && status < 500) || status === 503;
}
