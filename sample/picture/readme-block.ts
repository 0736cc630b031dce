/** What README.md has a person type under "Ask and approve", command by command. */

export type Command = {
  /** As it stands, on as many lines as it has. */
  readonly text: string;
  /** What its comment promises of the answer: text in quotes or braces. */
  readonly promise: string | undefined;
  /** Functions and constants that make the others shorter. */
  readonly isPreparation: boolean;
};

/** @throws when there is no such block */
export function commandsOf(readme: string): readonly Command[] {
  const [, block] = /\n## Ask and approve\n[^]*?```sh\n([^]*?)```/.exec(readme) ?? [];
  if (block === undefined) throw new Error('README.md has no block of commands under "Ask and approve"');
  const lines = block.replaceAll("\\\n", "\\\r").split("\n");
  return lines
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const text = line.replaceAll("\r", "\n");
      const [, comment = ""] = / # (.*)$/.exec(text) ?? [];
      const [promise] = /\{.*\}|"[^"]*"(:"?\w+"?)?|'[^']*'/.exec(comment) ?? [];
      return { text, promise, isPreparation: /^(\w+\(\) \{|JSON=)/.test(text) };
    });
}

/** As it is shown: without its comment, and in one line. */
export function shownCommand({ text }: Command): string {
  return text
    .replace(/ +# .*$/, "")
    .replaceAll(/\\\n */g, "")
    .trim();
}
