/** The topics as a table for people: printed by `npm run topics`, and the one in docs/topics.md (a test compares them). */
import { accessTo, topicSpecs, type TopicSizes } from "../../core/messages/topic-setup.ts";
import { type Topic, TOPICS, type TopicReader } from "../../core/messages/topics.ts";

const WHO: Readonly<Record<TopicReader, string>> = { decision: "decision", approval: "approval", auditor: "auditors" };
const HEADINGS = ["topic", "partitions", "cleanup", "kept", "min.insync.replicas", "rights"];

/** Headings first. One row for each topic, as it would be created. */
export function topicTable(sizes: TopicSizes): readonly (readonly string[])[] {
  const specs = new Map(topicSpecs(sizes).map((spec) => [spec.topic, spec]));
  const rows = Object.values(TOPICS).map((topic) => {
    const spec = specs.get(topic.name);
    return [
      topic.name,
      topic.partitions === null ? `any, ${sizes.partitions} unless given` : `exactly ${topic.partitions}`,
      topic.cleanup,
      keptFor(topic),
      spec?.config["min.insync.replicas"] ?? "",
      rightsOn(topic),
    ];
  });
  return [HEADINGS, ...rows];
}

/** Columns as wide as their widest cell, two spaces between them. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function keptFor({ retentionMs, segmentMs }: Topic): string {
  if (retentionMs !== undefined) return `${retentionMs / 86_400_000} days`.replace(/^1 days$/, "1 day");
  return segmentMs === undefined ? "" : `the last per key; all for ${segmentMs / 60_000} min`;
}

function rightsOn(topic: Topic): string {
  return accessTo(topic)
    .map(({ who, rights }) => `${WHO[who]}: ${rights.join(", ")}`)
    .join("; ");
}
