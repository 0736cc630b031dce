/**
 * What each caller is answered at each route, as a table to be read. Its first line names the callers; each other one begins with a route
 * (`METHOD /path`, and in brackets what is special about the call), and has an answer for each of them.
 */

/** By row and caller. */
type RoleTable = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** @throws on a line that has too few answers or too many: a mistake of the test. */
export function roleTable(text: string): RoleTable {
  const [callers = [], ...lines] = text
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/ +/));
  return new Map(
    lines.map((cells) => {
      const name = cells.slice(0, cells.length - callers.length).join(" ");
      if (!/^[A-Z]+ \/\S*(?: \(.+\))?$/.test(name)) throw new Error(`not a row for ${callers.join(", ")}: ${name}`);
      const answers = cells.slice(-callers.length);
      return [name, new Map(callers.map((caller, at) => [caller, answers[at] ?? ""]))];
    }),
  );
}

/** `POST` and `/v1/requests`, of a row. */
export function routeOf(row: string): {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly route: string;
} {
  const [verb, path = ""] = row.split(" ");
  if (verb !== "GET" && verb !== "POST") throw new Error(`an unexpected method: ${verb}`);
  return { method: verb, path, route: `${verb} ${path}` };
}

/** The routes that have a row, each once. */
export function routesIn(table: RoleTable): readonly string[] {
  return [...new Set([...table.keys()].map((row) => routeOf(row).route))].toSorted();
}
