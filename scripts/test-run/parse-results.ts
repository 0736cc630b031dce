/**
 * Reads the part of jest's `--json` file that the summary needs. Anything that is not as expected makes the whole file
 * unreadable (undefined), which counts as a failure: a summary that guesses would be worse than none.
 */

export type TestResults = {
  readonly passed: number;
  readonly failed: number;
  /** Files that did not even load. */
  readonly brokenFiles: number;
  /** Skipped and todo tests, as "path of file > describe > name". */
  readonly skipped: readonly string[];
  /** Tests that failed first and passed when they were run again; named in the same way. */
  readonly again: readonly string[];
};

export function parseResults(text: string): TestResults | undefined {
  const whole = parseObject(text);
  const passed = whole?.["numPassedTests"];
  const failed = whole?.["numFailedTests"];
  const brokenFiles = whole?.["numRuntimeErrorTestSuites"];
  const files = whole?.["testResults"];
  if (typeof passed !== "number" || typeof failed !== "number" || typeof brokenFiles !== "number") return undefined;
  if (!Array.isArray(files)) return undefined;
  const skipped = files.flatMap((file) => namesIn(file, ({ status }) => status === "pending" || status === "todo"));
  const again = files.flatMap((file) =>
    namesIn(
      file,
      ({ status, invocations }) => status === "passed" && typeof invocations === "number" && invocations > 1,
    ),
  );
  return { passed, failed, brokenFiles, skipped, again };
}

function namesIn(file: unknown, isWanted: (result: Record<string, unknown>) => boolean): readonly string[] {
  if (!isRecord(file) || !Array.isArray(file["assertionResults"])) return [];
  const name = String(file["name"]);
  return file["assertionResults"]
    .filter(isRecord)
    .filter(isWanted)
    .map((result) => `${name} > ${String(result["fullName"])}`);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
