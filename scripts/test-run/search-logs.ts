/** Searches the logs that a run of tests kept (test/harness/kept-logs.ts) for what may be in none of them (planted.ts). */
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { plantedIn } from "./planted.ts";

export type SearchedLogs = {
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
  /** `file:line: what is there`; of each file the first ones. */
  readonly found: readonly string[];
};

/** One place that leaks does so often. */
const MOST_OF_A_FILE = 5;

export async function searchLogs(folder: string): Promise<SearchedLogs> {
  const names = (await readdir(folder)).toSorted();
  const found: string[] = [];
  let bytes = 0;
  for (const name of names) {
    const file = path.join(folder, name);
    bytes += (await stat(file)).size;
    found.push(...(await searchFile(file, name)));
  }
  return { folder, files: names.length, bytes, found };
}

async function searchFile(file: string, name: string): Promise<readonly string[]> {
  const found: string[] = [];
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    const what = plantedIn(line);
    if (what !== undefined && found.length < MOST_OF_A_FILE) found.push(`${name}:${number}: ${what}`);
  }
  return found;
}
