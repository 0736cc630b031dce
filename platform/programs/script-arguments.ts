/** Parses the arguments of a script, and says in words what is wrong with them. */
import { parseArgs, type ParseArgsConfig } from "node:util";

/** `parseArgs`; but `--help` prints `usage` and ends the process, and a mistake is said with it and ends it with code 2. */
export function scriptArguments<const Config extends ParseArgsConfig>(
  usage: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  if (process.argv.slice(2).some((one) => one === "--help" || one === "-h")) {
    process.stdout.write(`usage: ${usage}\n`);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nusage: ${usage}\n`);
    process.exit(2);
  }
}
