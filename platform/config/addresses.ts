/**
 * Addresses and credentials in a configuration, as far as their text says whether they can be used: each function gives what is wrong and what
 * to do, or undefined. NB: none repeats a value. An address with a password in it would be shown by logs and answers, which show addresses.
 */
import { type ConfigFault, unsafe } from "./fault.ts";
import { isLoopback } from "./tls-rules.ts";

/** Of a web address that this program calls. */
export function webAddressProblem(text: string): string | undefined {
  const problem = shownAddressProblem(text);
  if (problem !== undefined) return problem;
  return URL.parse(text)?.hash === "" ? undefined : "may not hold a fragment; remove it";
}

/** Of a web address that people are shown. */
export function shownAddressProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return "is not an http(s) URL; correct it";
  return hasCredentials(url) ? "may not hold a user name or password; remove them" : undefined;
}

export function hasCredentials({ username, password }: URL): boolean {
  return username !== "" || password !== "";
}

const HOST_AND_PORT = /^(?:dns:\/\/\/)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?):(\d{1,5})$/;

/** Of what gRPC calls: `host:port`, IPv6 in brackets, or the same behind `dns:///`. */
export function hostPortProblem(text: string): string | undefined {
  const port = HOST_AND_PORT.exec(text)?.[2];
  const isPort = port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
  return isPort ? undefined : "is not host:port; write a name or an address (IPv6 in brackets) and a port, no scheme";
}

/** Whether such an address is this machine. */
export function isHereAlone(address: string): boolean {
  return isLoopback(HOST_AND_PORT.exec(address)?.[1] ?? "");
}

/** Of a PostgreSQL connection string, read as pg reads it: `host` in its query counts before the one in its place. A host of PGHOST is not seen. */
export function databaseProblem(text: string): string | undefined {
  // Without a host it is one of this machine, which URL does not accept behind a user.
  const url = /^postgres(ql)?:\/\//.test(text)
    ? (URL.parse(text) ?? URL.parse(text.replace("@/", "@localhost/")))
    : null;
  if (url === null) {
    const bySocket = "by a socket as postgres:///database?host=/folder";
    return `is not an address of PostgreSQL; write it as postgres://user:password@host/database, or ${bySocket}`;
  }
  const host = url.searchParams.getAll("host").at(-1) || url.hostname;
  const isHere = host === "" || /^(?:\/|%2f)/i.test(host) || isLoopback(host);
  // NB: an empty one counts as none for pg too.
  if (isHere || (url.searchParams.getAll("sslmode").at(-1) ?? "") !== "") return undefined;
  // NB: also where another part of it asks for TLS (`ssl=true`): one word says what is wanted.
  const unsaid = "is beyond loopback and without sslmode, so that nothing says for sure that it is encrypted";
  return `${unsaid}; add ?sslmode=verify-full&sslrootcert=FILE, or ?sslmode=disable where something else encrypts`;
}

/** Of a secret that goes into a header: what it can carry, and nothing at the ends that would be cut off on the way. */
export function headerProblem(secret: string): string | undefined {
  return /^[!-~](?:[ -~]*[!-~])?$/.test(secret)
    ? undefined
    : "holds what no header can carry; use printable ASCII characters, without a space or line break at either end";
}

type Listener = { readonly key: string; readonly host: string; readonly port: number };

/** Two of one process that would want the same port, which the second could not have. */
export function samePortFaults(listeners: readonly Listener[]): readonly ConfigFault[] {
  return listeners.flatMap((one, at) => {
    const other = listeners.slice(0, at).find((earlier) => meet(one, earlier));
    return other === undefined ? [] : [unsafe(one.key, `is that of ${other.key} too; give each its own`)];
  });
}

/** NB: on different addresses of this machine they do not; an unspecified one is all of them. */
function meet(one: Listener, other: Listener): boolean {
  if (one.port === 0 || one.port !== other.port) return false;
  const [host = "", otherHost = ""] = [one, other].map((listener) => listener.host.replace(/^\[(.*)\]$/, "$1"));
  return host === otherHost || covers(host, otherHost) || covers(otherHost, host);
}

function covers(host: string, other: string): boolean {
  return /^(?:0\.0\.0\.0|::|)$/.test(host) || (host === "localhost" && /^(?:127\.0\.0\.1|::1)$/.test(other));
}
