/** One request that an enforcer is sent (enforcer-cases.ts), byte by byte, and what must become of it. */

export type EnforcerCase = {
  readonly name: string;
  readonly bytes: Buffer;
  /** Default: either, as long as it is consistent. */
  readonly must?: "be refused" | "be forwarded";
};

/** Short enough for a test's name. */
export const shown = (some: readonly string[]): string =>
  JSON.stringify(some.length > 9 ? `${some.length} lines` : some.map((text) => text.slice(0, 60)));
