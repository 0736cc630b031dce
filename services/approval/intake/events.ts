/** What intake did with records: each event has one function, which counts and logs it. Never contains values of a record. */
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";

type Place = { readonly topic: string; readonly partition: number };

export interface IntakeEvents {
  /** Its effect is committed. Only counted: there are many, and the database records them. */
  readonly taken: (topic: string) => void;
  readonly quarantined: (record: Place & { readonly offset: bigint; readonly reason: string }) => void;
  /** Offsets that retention removed before they were read; none if the topic was created again. */
  readonly lost: (gap: Place & { readonly stored: bigint; readonly earliest: bigint }) => void;
  /** A transient fault: the same record is tried again, and nothing behind it before. */
  readonly waits: (record: Place & { readonly offset: bigint }, error: unknown) => void;
}

/** One set for all consumers of a process. */
export function createIntakeEvents({ metrics, log }: { readonly metrics: Metrics; readonly log: Log }): IntakeEvents {
  const taken = metrics.counter("intake_taken_total", "Records taken, their effect committed", ["topic"]);
  const quarantined = metrics.counter("intake_quarantined_total", "Quarantined records", ["topic", "reason"]);
  const lost = metrics.counter("intake_lost_total", "Offsets removed by retention before they were read", ["topic"]);
  const retried = metrics.counter("intake_retried_total", "Retries of records", ["topic"]);
  return {
    taken: (topic) => taken.inc({ topic }),
    quarantined({ topic, partition, offset, reason }) {
      quarantined.inc({ topic, reason });
      log.warn(
        { event: "record_quarantined", topic, partition, offset: `${offset}`, reason },
        "a record is quarantined; GET /v1/quarantine shows it",
      );
    },
    lost({ topic, partition, stored, earliest }) {
      const missed = stored < earliest ? Number(earliest - stored) : 0;
      lost.inc({ topic }, missed);
      log.error(
        { event: "offset_outside_topic", topic, partition, stored: `${stored}`, earliest: `${earliest}`, missed },
        "the stored offset is outside the topic: records are gone, or the topic was created again",
      );
    },
    waits({ topic, partition, offset }, error) {
      retried.inc({ topic });
      log.warn(
        { event: "record_waits", err: error, topic, partition, offset: `${offset}` },
        "a record could not be taken and is tried again; its partition waits",
      );
    },
  };
}
