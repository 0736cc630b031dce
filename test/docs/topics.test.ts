/** docs/topics.md says of the topics what `core/messages/topics.ts` says: both of its tables, cell by cell. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { TOPICS } from "../../core/messages/topics.ts";
import { topicTable } from "../../scripts/topics/table.ts";

const page = readFileSync(path.join(import.meta.dirname, "../../docs/topics.md"), "utf8");

/** The cells of the table that begins with this heading row, without the row of dashes. */
function tableOf(headings: readonly string[]): readonly (readonly string[])[] {
  const lines = page.split("\n");
  const begin = lines.indexOf(row(headings));
  const end = lines.findIndex((line, at) => at > begin && !line.startsWith("|"));
  return lines
    .slice(begin, end)
    .filter((_, at) => at !== 1)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
}

const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

test("who writes and reads which topic", () => {
  const headings = ["topic", "written by", "read by", "record key"];
  const rows = Object.values(TOPICS).map(({ name, writer, readers, key }) => [name, writer, readers.join(", "), key]);
  expect(tableOf(headings)).toEqual([headings, ...rows]);
});

test("how they are set up, as `npm run topics` prints it", () => {
  const table = topicTable({ partitions: 6, replicas: 3 });
  expect(tableOf(table[0] ?? [])).toEqual(table);
});
