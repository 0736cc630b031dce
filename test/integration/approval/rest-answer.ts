/** What the REST interface answered, and looks into its body. */

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
};

/** Where in a JSON body, such as `request.digest`; a number in it is an index. Undefined when there is no such thing. */
export function at({ body }: Pick<Answer, "body">, path: string): unknown {
  let value = body;
  for (const name of path.split(".")) {
    value =
      typeof value === "object" && value !== null
        ? new Map<string, unknown>(Object.entries(value)).get(name)
        : undefined;
  }
  return value;
}

/** As `at`, of a text. */
export function textAt(answer: Answer, path: string): string {
  const value = at(answer, path);
  if (typeof value !== "string") throw new Error(`no text at ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return value;
}

export function itemsOf(answer: Answer): readonly unknown[] {
  const items = at(answer, "items");
  if (!Array.isArray(items)) throw new Error(`no items: ${answer.status} ${JSON.stringify(answer.body)}`);
  return items;
}
