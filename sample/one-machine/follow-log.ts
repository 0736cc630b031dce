/** Reads what a program appends to its log, line by line, until told to stop. */
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const EVERY_MS = 150;
const CHUNK = 65_536;

/** Begins at the end of what is there, and anew in a file that was emptied. Each JSON line is handed over as its members; other lines are left out. */
export async function followLog(
  path: string,
  onLine: (line: ReadonlyMap<string, unknown>) => void,
  signal: AbortSignal,
): Promise<void> {
  await using file = await open(path, "a+", 0o600);
  let { size: at } = await file.stat();
  let rest = Buffer.alloc(0);
  const chunk = Buffer.alloc(CHUNK);
  while (!signal.aborted) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK, at);
    if (bytesRead === 0) {
      if ((await file.stat()).size < at) {
        at = 0;
        rest = Buffer.alloc(0);
      }
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
      continue;
    }
    at += bytesRead;
    const lines = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    const end = lines.lastIndexOf("\n");
    rest = Buffer.from(lines.subarray(end + 1));
    for (const line of lines.subarray(0, Math.max(0, end)).toString("utf8").split("\n")) {
      const members = parsed(line);
      if (members !== undefined) onLine(members);
    }
  }
}

function parsed(line: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}
