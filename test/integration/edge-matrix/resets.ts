/**
 * The requests on which a connection may be reset in place of an answer, and why: an edge answers before it has read all that was sent, and when it then
 * closes, TCP tells of the bytes that nobody reads by a reset, which can overtake the answer (RFC 9112 section 9.6). All others are answered.
 */

const MAY_RESET: readonly (readonly [names: RegExp, why: string])[] = [
  [/^POST \S+: (?:65537|131072) bytes/, "the body is larger than is taken, and refused before its end"],
  [
    /^POST \S+: \d+ bytes without a length/,
    "what comes behind the head is no part of the request, and no request itself",
  ],
];

export function mayReset(name: string): boolean {
  return MAY_RESET.some(([names]) => names.test(name));
}
