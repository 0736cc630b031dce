/**
 * In CI a file in which something failed beside another one is run once more, alone, as a test is that failed (once-more.js): it may have wanted more
 * of the machine than half. Its first results are taken out of jest's result file, so that each test counts once, and what passed only then is
 * marked there as jest marks what it ran twice.
 */

type Failed = {
  /** The result file without them. */
  readonly rest: string;
  readonly files: readonly string[];
  /** Of the tests in them that failed, as "path of file > describe > name"; of a file that did not load its path. */
  readonly tests: ReadonlySet<string>;
};

/** Of those that `isWanted` takes by their path. Undefined when none failed, or when the text is no result file. */
export function failedFiles(text: string, isWanted: (file: string) => boolean): Failed | undefined {
  const whole = record(parsed(text));
  const results = list(whole["testResults"]);
  const bad = results.filter(({ name, status }) => status === "failed" && isWanted(String(name)));
  if (bad.length === 0) return undefined;
  const good = results.filter((file) => !bad.includes(file));
  const count = (status: string) => good.flatMap(testsOf).filter((one) => one["status"] === status).length;
  // Also one whose tests passed: something threw outside of them.
  const isFailed = ({ status }: Fields) => status === "failed";
  const broken = good.filter((file) => isFailed(file) && !testsOf(file).some(isFailed));
  const rest = {
    ...whole,
    testResults: good,
    numPassedTests: count("passed"),
    numFailedTests: count("failed"),
    numRuntimeErrorTestSuites: broken.length,
  };
  const failed = bad.flatMap((file) => {
    const tests = testsOf(file).filter((one) => one["status"] === "failed");
    return tests.length === 0 ? [String(file["name"])] : tests.map((one) => nameOf(file, one));
  });
  return { rest: JSON.stringify(rest), files: bad.map(({ name }) => String(name)), tests: new Set(failed) };
}

/** The result file of the second time, in which what failed the first time says that it was run twice. */
export function markedAgain(text: string, tests: ReadonlySet<string>): string {
  const whole = record(parsed(text));
  const testResults = list(whole["testResults"]).map((file) => ({
    ...file,
    assertionResults: testsOf(file).map((one) =>
      tests.has(nameOf(file, one)) || tests.has(String(file["name"])) ? { ...one, invocations: 2 } : one,
    ),
  }));
  return JSON.stringify({ ...whole, testResults });
}

type Fields = Readonly<Record<string, unknown>>;

const testsOf = (file: Fields) => list(file["assertionResults"]);
const nameOf = (file: Fields, test: Fields) => `${String(file["name"])} > ${String(test["fullName"])}`;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function record(value: unknown): Fields {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(record) : [];
}
