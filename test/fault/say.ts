/** A line of numbers for whoever reads the run. NB: on standard error, because the run's standard output is jest's JSON and goes to a file. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
