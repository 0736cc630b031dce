/**
 * Addresses and credentials in a configuration, as far as their text says whether they can be used: each function gives what is wrong and what
 * to do, or undefined. NB: none repeats a value. An address with a password in it would be shown by logs and answers, which show addresses.
 */
import { type ConfigFault, unsafe } from "./fault.ts";
import { isLoopback } from "./tls-rules.ts";

/** Of a web address. */
export function webAddressProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return "is not an http(s) URL; correct it";
  if (hasCredentials(url)) return "may not hold a user name or password; remove them";
  return url.hash === "" ? undefined : "may not hold a fragment; remove it";
}

export function hasCredentials({ username, password }: URL): boolean {
  return username !== "" || password !== "";
}

/** Of `host:port`, IPv6 in brackets. */
export function hostPortProblem(text: string): string | undefined {
  const port = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?):(\d{1,5})$/.exec(text)?.[1];
  const isPort = port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
  return isPort ? undefined : "is not host:port; write a name or an address (IPv6 in brackets) and a port, no scheme";
}

/** Of a PostgreSQL connection string. */
export function databaseProblem(text: string): string | undefined {
  return /^postgres(ql)?:\/\//.test(text)
    ? undefined
    : "is not an address of PostgreSQL; write it as postgres://user:password@host/database";
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
  const isAny = [one, other].some(({ host }) => /^(?:0\.0\.0\.0|\[?::\]?|)$/.test(host));
  return isAny || one.host === other.host || (isLoopback(one.host) && isLoopback(other.host));
}
