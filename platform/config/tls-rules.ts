/** What is checked for the section of every listener and client: whether it leaves this machine, and whether each certificate has its key. */
import { type ConfigFault, unsafe } from "./fault.ts";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

/** `host` without a port, IPv6 with brackets (as in a URL) or without. A name other than localhost could point anywhere. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** Of `section.certPath` and `section.keyPath`. */
export function pairFaults(
  section: string,
  { certPath, keyPath }: { readonly certPath?: string; readonly keyPath?: string },
): readonly ConfigFault[] {
  if ((certPath === undefined) === (keyPath === undefined)) return [];
  return [unsafe(`${section}.certPath`, `and ${section}.keyPath belong together; set both or none`)];
}
