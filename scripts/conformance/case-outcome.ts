/** What became of one foreign case, and what a runner of one kind of cases looks like. */

export type CaseOutcome =
  | { readonly kind: "passed"; readonly id: string }
  | {
      readonly kind: "missed";
      readonly id: string;
      readonly want: string;
      readonly got: string;
      /** What many cases may share, such as `not served: http.send`: the list of known misses may name it instead of an id. */
      readonly cause?: string;
    };

export type Say = (line: string) => void;

/**
 * Runs every case of a folder through the real part, in no particular order. `say` is for lines before the misses (what
 * is run, how far it is), `note` for those that belong to the result; the misses themselves are printed by the command.
 * @throws when the folder cannot be read or a tool is missing: that is no miss, it is no result at all
 */
export type Runner = (directory: string, say: Say, note: Say) => Promise<readonly CaseOutcome[]>;
