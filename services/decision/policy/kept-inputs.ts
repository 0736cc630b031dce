/**
 * The last inputs of the policy, for policy authors (`development.keepInputs`): what a decision id was decided from, to explain it or to try
 * another bundle on it. NB: an input holds what the request held, credentials and bodies included. So inputs are kept only if configuration says
 * so, configuration refuses it if any port is reachable from another machine, they stay in memory, and there are few.
 */
import type { Log } from "../../../platform/log/log.ts";
import type { Verdict } from "../../../core/domain/decision.ts";
import type { Id } from "../../../core/domain/id.ts";
import { type Instant, rfc3339 } from "../../../core/domain/time.ts";

export type AskedInput = {
  readonly decisionId: Id<"decision">;
  readonly time: Instant;
  readonly revision: string | undefined;
  readonly inputJson: string;
  readonly verdict: Verdict["kind"];
  readonly fuelUsed: number;
};

export type KeptInputs = {
  keep(asked: AskedInput): void;
  /** A record on each line: all, oldest first, or that of `?decision_id=`; undefined where that one is not kept. */
  describe(query: URLSearchParams): string | undefined;
};

/** Undefined where the configuration keeps none; the log says when it does. */
export function startKeptInputs(
  { log }: { readonly log: Log },
  development: { readonly keepInputs: number },
): KeptInputs | undefined {
  const { keepInputs } = development;
  if (keepInputs === 0) return undefined;
  log.warn(
    { event: "inputs_kept", keepInputs },
    "development.keepInputs is set: the operators' port shows inputs with credentials and bodies",
  );
  return createKeptInputs(development);
}

/** Path at the operators' port. */
export const inputDocuments = (kept: KeptInputs | undefined) =>
  kept === undefined ? [] : ([["/v1/inputs", kept.describe]] as const);

/** Characters of all inputs together. */
const MAX_TEXT = 16 << 20;

export function createKeptInputs({ keepInputs }: { readonly keepInputs: number }): KeptInputs {
  const kept = new Map<string, AskedInput>();
  let text = 0;

  function drop(): void {
    for (const [id, { inputJson }] of kept) {
      if (kept.size <= keepInputs && text <= MAX_TEXT) return;
      kept.delete(id);
      text -= inputJson.length;
    }
  }

  return {
    keep(asked) {
      kept.set(asked.decisionId, asked);
      text += asked.inputJson.length;
      drop();
    },
    describe(query) {
      const id = query.get("decision_id");
      if (id === null) return [...kept.values()].map(line).join("");
      const one = kept.get(id);
      return one === undefined ? undefined : line(one);
    },
  };
}

/** NB: the input stays text: parsing it would round numbers beyond 2^53, and a replay would ask something else. */
function line({ decisionId, time, revision, inputJson, verdict, fuelUsed }: AskedInput): string {
  const about = {
    decision_id: decisionId,
    time: rfc3339(time),
    revision: revision ?? null,
    verdict,
    fuel_used: fuelUsed,
  };
  return `${JSON.stringify(about).slice(0, -1)},"input":${inputJson}}\n`;
}
