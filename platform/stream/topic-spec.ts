/**
 * What a topic must be, and what is wrong with an existing one, for every server of the stream. Settings have Kafka's names; each server checks
 * those that apply to it.
 */

export interface TopicSpec {
  readonly topic: string;
  /** At least so many; exactly so many when `exactPartitions`. */
  readonly partitions: number;
  readonly exactPartitions?: boolean;
  readonly replicationFactor: number;
  /** For example `cleanup.policy`, `min.insync.replicas`. Compared as text, by the broker's name of each. */
  readonly config: Readonly<Record<string, string>>;
  /** Of `config`: numbers that a deployment may have larger or smaller. Negative is without limit, as in `retention.ms`. */
  readonly mayBe?: Readonly<Record<string, "larger" | "smaller">>;
}

export interface TopicFault {
  readonly topic: string;
  /** What is wrong and what to do, one sentence. */
  readonly problem: string;
}

export function partitionFaults(spec: TopicSpec, found: number): readonly TopicFault[] {
  const { topic, partitions, exactPartitions = false } = spec;
  if (exactPartitions ? found === partitions : found >= partitions) return [];
  const wanted = `${exactPartitions ? "exactly" : "at least"} ${partitions}`;
  return [{ topic, problem: `has ${found} partitions and needs ${wanted}; create it anew or add some` }];
}

/** Compares those settings of the specification for which `found` gives an answer; undefined is for what the server does not know. */
export function settingFaults(
  { topic, config, mayBe = {} }: TopicSpec,
  found: (name: string) => string | undefined,
): readonly TopicFault[] {
  return Object.entries(config).flatMap(([name, wanted]) => {
    const actual = found(name);
    const may = mayBe[name];
    if (actual === undefined || actual === wanted || (may !== undefined && isBeyond(actual, wanted, may))) return [];
    const limit = may === undefined ? "" : may === "larger" ? "at least " : "at most ";
    return [{ topic, problem: `${name} is ${actual} and has to be ${limit}${wanted}; alter the topic` }];
  });
}

function isBeyond(found: string, wanted: string, mayBe: "larger" | "smaller"): boolean {
  const value = (text: string) => (Number(text) < 0 ? Number.POSITIVE_INFINITY : Number(text));
  return mayBe === "larger" ? value(found) > value(wanted) : value(found) < value(wanted);
}
