/**
 * The series of one metric: one for each combination of values that its labels have had. What is added up (histogram.ts, counter.ts) are plain numbers
 * of a series; its labels become text when it begins, in prom-client's form (Prometheus' text format, version 0.0.4).
 */
export type Labels<L extends string> = Readonly<Record<L, string>>;

interface AllSeries<L extends string, S> {
  /** Undefined: it has labels, and none are given. */
  of(labels: Labels<L> | undefined): S | undefined;
  all(): Iterable<S>;
}

/** `begin` is given the text of the labels, with a comma before each. A metric without labels has its one series from the start on. */
export function createSeries<L extends string, S>(names: readonly L[], begin: (labels: string) => S): AllSeries<L, S> {
  const all = new Map<string, S>();
  const begun = (key: string, labels: string): S => {
    const series = begin(labels);
    all.set(key, series);
    return series;
  };
  const only = names.length === 0 ? begun("", "") : undefined;
  return {
    of(labels) {
      if (only !== undefined || labels === undefined) return only;
      let key = "";
      for (const one of names) key += `${labels[one]}\n`;
      return all.get(key) ?? begun(key, names.map((one) => `,${one}="${escaped(labels[one])}"`).join(""));
    },
    all: () => all.values(),
  };
}

/** The lines above those of its series. */
export function headOf(type: "counter" | "histogram", name: string, help: string): string[] {
  return [`# HELP ${name} ${help.replace(/[\\\n]/g, escape)}`, `# TYPE ${name} ${type}`];
}

/** The labels of a series as they stand behind its name. */
export function inBraces(labels: string): string {
  return labels === "" ? "" : `{${labels.slice(1)}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\\n"]/g, escape);
}

function escape(char: string): string {
  return char === "\n" ? String.raw`\n` : `\\${char}`;
}
