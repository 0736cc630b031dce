/** What was acknowledged to those who call, and has to be there afterwards. */
export type Ledger = {
  readonly denials: Set<string>;
  /** Denials that nobody will submit and whose time is over: they have to go. */
  readonly abandoned: Set<string>;
  readonly decisions: Set<string>;
  /** By request id, the types of events that the record must have of it, once each. */
  readonly requests: Map<string, Set<string>>;
  /** By grant id. */
  readonly grants: Map<string, Set<string>>;
  /** By incident id. */
  readonly incidents: Map<string, Set<string>>;
  /** Of those calls to open an incident that had no answer when the traffic stopped: it may be there. */
  incidentsUnknown: number;
  /** Requests whose reviewers had to be told once more. */
  readonly escalated: Set<string>;
  /** Records of the quarantine that were dismissed, and those that a replay took. */
  readonly dismissed: Set<string>;
  readonly replayed: Set<string>;
  /** Records written that nobody can read. */
  forged: number;
  /** Calls that were made again: no answer, or one that says to come back. */
  again: number;
};

export function createLedger(): Ledger {
  return {
    ...{ denials: new Set(), abandoned: new Set(), decisions: new Set(), requests: new Map(), grants: new Map() },
    ...{ incidents: new Map(), incidentsUnknown: 0, escalated: new Set(), dismissed: new Set(), replayed: new Set() },
    ...{ forged: 0, again: 0 },
  };
}
