/**
 * What reached the orders API, in order: who did what, under which decision and grant. It is how a reader, a test or the demo sees that an
 * action which was refused in front never arrived. Kept in memory; the oldest entries make room for new ones.
 */

export type JournalEntry = {
  /** From 1, without gaps: what is missing at the front made room, nothing is missing in between. */
  readonly number: number;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly method: string;
  /** Without the query, which may hold what nobody should keep. */
  readonly path: string;
  readonly status: number;
  /** Who the decision service says it was, an account of this issuer; null for a call that did not come by way of the proxy. */
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly decisionId: string | null;
  /** Only when the call was allowed by a grant. */
  readonly grantId: string | null;
};

export function createJournal({ keep }: { readonly keep: number }) {
  const entries: JournalEntry[] = [];
  let number = 0;
  return {
    add(entry: Omit<JournalEntry, "number">): void {
      number += 1;
      entries.push({ number, ...entry });
      if (entries.length > keep) entries.shift();
    },
    /** Entries numbered above `after`, oldest first. */
    after: (after: number): readonly JournalEntry[] => entries.filter((entry) => entry.number > after),
  };
}
