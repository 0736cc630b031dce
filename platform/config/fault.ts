/** What is wrong with a configuration, and where. */
export interface ConfigFault {
  /** Dotted path, or the file's name, or the variable alone. */
  readonly key: string;
  readonly variable: string | undefined;
  /** A sentence: what is wrong and what to do. */
  readonly problem: string;
}

/** A fault of a rule; the variable is found by the key. */
export function unsafe(key: string, problem: string): ConfigFault {
  return { key, variable: undefined, problem };
}
