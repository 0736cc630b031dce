/** Checks a server's certificates before they are used, at start and at each replacement, and applies them. */
import { constants, createPrivateKey, X509Certificate } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import type { ServerTls } from "../config/pem-files.ts";
import { ReloadRefused } from "../lifecycle/reload.ts";

/** @throws when the key is of another certificate, or the client CA is none: it would show only as every caller refused. */
export function checkServerTls({ cert, key, clientCa }: ServerTls): void {
  const certificate = parsed("the certificate", () => new X509Certificate(cert));
  if (!certificate.checkPrivateKey(parsed("the private key", () => createPrivateKey(key)))) {
    throw new Error("TLS: the private key does not belong to the certificate");
  }
  if (clientCa !== undefined) parsed("the client CA", () => new X509Certificate(clientCa));
}

/**
 * What a server shows, and whom it believes. NB: where callers have to show certificates, no session can be resumed: one that is resumed is not
 * looked at again, so that whoever kept one could go on connecting after the certificate has ended.
 */
export function secureContextOf({ cert, key, clientCa }: ServerTls): SecureContextOptions {
  return clientCa === undefined
    ? { cert, key }
    : { cert, key, ca: clientCa, secureOptions: constants.SSL_OP_NO_TICKET };
}

/** What may replace `before`: TLS and the certificates of callers are on or off from the start. @throws ReloadRefused */
export function replacementFor(before: ServerTls | undefined, next: ServerTls | undefined): ServerTls | undefined {
  const isSameKind = (before === undefined) === (next === undefined);
  if (!isSameKind || (before?.clientCa === undefined) !== (next?.clientCa === undefined)) throw needsRestart();
  if (next !== undefined) checkServerTls(next);
  return next;
}

export function needsRestart(): ReloadRefused {
  return new ReloadRefused("TLS: to switch it, or the certificates of callers, on or off needs a restart");
}

function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new Error(`TLS: ${what} is not readable as PEM`, { cause });
  }
}
