/**
 * Why a process does not start, in one sentence for whoever started it: which setting, what is wrong, what to do. The log shows that sentence and
 * no stack, since nothing in the program is wrong. Anything else that rejects a start is a fault and is shown as one.
 */
import { EX_CONFIG } from "../config/exit-code.ts";

/** Trying again may help: something else has to come up, or to go. */
const EX_AGAIN = 1;

export class CannotStart extends Error {
  override readonly name = "CannotStart";
  /** 78 when the configuration, or a file that it names, has to be changed; 1 when starting again may help. */
  readonly exitCode: number;

  constructor(sentence: string, options: { readonly mayHelpAgain?: boolean; readonly cause?: unknown } = {}) {
    super(sentence, { cause: options.cause });
    this.exitCode = options.mayHelpAgain === true ? EX_AGAIN : EX_CONFIG;
  }
}

/** Makes something from files that a key of the configuration names. @throws CannotStart; `what` says what they have to be. */
export async function fromFiles<T>(key: string, what: string, make: () => Promise<T> | T): Promise<T> {
  try {
    return await make();
  } catch (error) {
    throw new CannotStart(`${key}: ${reasonOf(error)}; it has to name ${what}`, { cause: error });
  }
}

/** Starts a listener. @throws CannotStart when it cannot have its address; other faults pass. `key` is the section with host and port. */
export async function onAddress<T>(
  key: string,
  { host, port }: { readonly host: string; readonly port: number },
  start: () => Promise<T>,
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    // NB: gRPC says the code in its text only.
    const [code] = /\b(EADDRINUSE|EACCES|EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN)\b/.exec(String(error)) ?? [];
    const why = code === undefined ? undefined : ADDRESS.get(code);
    if (why === undefined) throw error;
    throw new CannotStart(`${key}.port: ${host}:${port} ${why}`, { mayHelpAgain: true, cause: error });
  }
}

const ADDRESS: ReadonlyMap<string, string> = new Map([
  ["EADDRINUSE", "is taken by another process; end that one or choose another port"],
  ["EACCES", "may not be opened by this user; choose a port above 1023"],
  ["EADDRNOTAVAIL", "is no address of this machine; correct the host"],
  ["ENOTFOUND", "is no address of this machine; correct the host"],
  ["EAI_AGAIN", "cannot be looked up; correct the host"],
]);

const FILE: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no such file"],
  ["EACCES", "this user may not read or write it"],
  ["EISDIR", "it is a folder"],
  ["ENOTDIR", "a part of the path is no folder"],
  ["EROFS", "the file system is read-only"],
  ["ENOSPC", "the disk is full"],
]);

/** Safe to show: the path and what the system said of it, or the detail of an error that has one; never the content. */
export function reasonOf(error: unknown): string {
  const { code, path, detail, cause } = fieldsOf(error);
  const known = typeof code === "string" ? FILE.get(code) : undefined;
  if (known !== undefined) return typeof path === "string" ? `${path}: ${known}` : known;
  if (typeof detail === "string") {
    const inner = fieldsOf(cause);
    return typeof inner.code === "string" && FILE.has(inner.code) ? `${detail} (${reasonOf(cause)})` : detail;
  }
  if (typeof code === "string" && /^ERR_(OSSL|CRYPTO|TLS|SSL)/.test(code)) return `it cannot be read as PEM (${code})`;
  return typeof code === "string" ? code : "it cannot be used";
}

function fieldsOf(error: unknown): { code?: unknown; path?: unknown; detail?: unknown; cause?: unknown } {
  return typeof error === "object" && error !== null ? error : {};
}
