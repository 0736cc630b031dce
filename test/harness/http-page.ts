/** docs/http.md, the one place that says which port of which process has which addresses: read by the tests that hold it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** By the first cell, such as "approval, `ops.port`": the second. */
async function rows(): Promise<ReadonlyMap<string, string>> {
  const page = await readFile(join(import.meta.dirname, "../../docs/http.md"), "utf8");
  const [, , ...table] = page.split("\n").filter((line) => line.startsWith("|"));
  return new Map(
    table.map((line) => {
      const [, port = "", addresses = ""] = line.split("|").map((cell) => cell.trim());
      return [port, addresses];
    }),
  );
}

/** The first cell of each row. */
export async function portsListed(): Promise<readonly string[]> {
  return [...(await rows()).keys()];
}

/** The addresses at this port; one that ends in `…` is the beginning of others. @throws when the page does not have it */
export async function addressesOf(port: string): Promise<readonly string[]> {
  const cell = (await rows()).get(port);
  if (cell === undefined) throw new Error(`docs/http.md has no row for ${port}`);
  return [...cell.matchAll(/`(\/[^`]+)`/g)].map(([, address = ""]) => address);
}
