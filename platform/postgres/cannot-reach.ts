/** Why a database cannot be used at start, in words for whoever started the process. */
import { CannotStart, reasonOf } from "../lifecycle/cannot-start.ts";
import { sqlState } from "./sql-state.ts";

/** SQLSTATE or system code → what it means and what to do. */
const MEANING: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "does not answer (connection refused); start it, or correct the address"],
  ["ETIMEDOUT", "does not answer in time; start it, or correct the address"],
  ["ENOTFOUND", "has a host that cannot be found; correct the address"],
  ["EAI_AGAIN", "has a host that cannot be looked up now; correct the address, or mend the name service"],
  ["ENOENT", "has a socket that does not exist; start it, or correct the address"],
  ["28P01", "refuses the password; correct it"],
  ["28000", "refuses this user; correct the user, or the server's pg_hba.conf"],
  ["3D000", "does not have this database; create it, or correct the name"],
  ["57P03", "is starting up or shutting down; start again in a moment"],
  ["53300", "has no connection left; raise its max_connections, or lower ours"],
  ["42501", "refuses this user a right that is needed; grant it"],
  ["22P05", "keeps no UTF-8; create the database with ENCODING UTF8"],
]);

/** Runs what needs the database. @throws CannotStart. `setting` names the key and its variable; `url` is shown as its host only. */
export async function withDatabase<T>(setting: string, url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CannotStart) throw error;
    const code = codeOf(error);
    const meaning = code === undefined ? undefined : MEANING.get(code);
    const where = URL.parse(url)?.host || "the database";
    if (meaning !== undefined) {
      const said = code === "42501" && error instanceof Error ? ` (it says: ${error.message})` : "";
      // Also what it refuses: whoever sets up the database may come later than we do.
      throw new CannotStart(`${setting}: ${where} ${meaning}${said}`, { mayHelpAgain: true, cause: error });
    }
    // pg says this one without a code.
    if (/timeout/i.test(String(error))) {
      throw new CannotStart(`${setting}: ${where} ${MEANING.get("ETIMEDOUT")}`, { mayHelpAgain: true, cause: error });
    }
    if (hasDetail(error)) throw new CannotStart(`${setting}: ${reasonOf(error)}`, { cause: error });
    throw error;
  }
}

/** Of the error, or of the first of those that it gathers (several addresses of one host). */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  const [first]: readonly unknown[] = "errors" in error && Array.isArray(error.errors) ? error.errors : [];
  return first === undefined ? undefined : codeOf(first);
}

/** Our own faults say what is the matter; answers of the server carry a `detail` too. */
function hasDetail(error: unknown): boolean {
  return typeof error === "object" && error !== null && "detail" in error && sqlState(error) === undefined;
}
