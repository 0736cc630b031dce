/**
 * Certificates of gRPC that can be replaced while the server or channel lives: new connections use the new ones, open ones go on. Whoever read
 * them has checked them: matching pairs, and real authorities.
 */
import { createSecureContext, getCACertificates } from "node:tls";
import { type ChannelCredentials, credentials, experimental, ServerCredentials } from "@grpc/grpc-js";
import type { ClientTls, ServerTls } from "../config/pem-files.ts";
import { checkServerTls, needsRestart, replacementFor, secureContextOf } from "./server-tls.ts";

type Certificates<Credentials, Tls> = {
  readonly credentials: Credentials;
  /** @throws when they cannot work, or when they are more or less than there were at the start; nothing has changed then. */
  replace(tls: Tls | undefined): void;
};

/** @throws when the key is of another certificate, or the client CA is none: it would show only as every caller refused. */
export function createServerCertificates(tls: ServerTls | undefined): Certificates<ServerCredentials, ServerTls> {
  if (tls === undefined) {
    return { credentials: ServerCredentials.createInsecure(), replace: (next) => void replacementFor(tls, next) };
  }
  checkServerTls(tls);
  const replaceable = new ReplaceableCredentials(tls);
  return {
    credentials: replaceable,
    replace(next) {
      const replacement = replacementFor(tls, next);
      if (replacement !== undefined) replaceable.replace(replacement);
    },
  };
}

/** The library's own that can be replaced leave no say in what else the context of TLS is made with. */
class ReplaceableCredentials extends ServerCredentials {
  constructor(tls: ServerTls) {
    const isAsked = tls.clientCa !== undefined;
    super({ requestCert: isAsked, rejectUnauthorized: isAsked }, secureContextOf(tls));
  }

  replace(tls: ServerTls): void {
    this.updateSecureContextOptions(secureContextOf(tls));
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

export function createClientCertificates(tls: ClientTls | undefined): Certificates<ChannelCredentials, ClientTls> {
  if (tls === undefined) return { credentials: credentials.createInsecure(), replace: refuseOther(tls) };
  const provider = createProvider();
  const withIdentity = tls.cert !== null;
  const take = ({ ca, cert, key }: ClientTls) => {
    createSecureContext({ ca: ca ?? undefined, cert: cert ?? undefined, key: key ?? undefined });
    provider.publish({
      ca: ca ?? Buffer.from(getCACertificates("default").join("\n")),
      certificate: cert ?? undefined,
      privateKey: key ?? undefined,
    });
  };
  take(tls);
  return {
    credentials: experimental.createCertificateProviderChannelCredentials(provider, withIdentity ? provider : null),
    replace(next) {
      if (next === undefined || (next.cert !== null) !== withIdentity) return refuseOther(tls)(next);
      take(next);
    },
  };
}

type Published = {
  readonly ca: Buffer | undefined;
  readonly certificate: Buffer | undefined;
  readonly privateKey: Buffer | undefined;
};
type CaListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

/** Tells each listener what there is, at once and whenever it is replaced. */
function createProvider(): experimental.CertificateProvider & { publish(pems: Published): void } {
  const ofCa = new Set<CaListener>();
  const ofIdentity = new Set<IdentityListener>();
  let now: Published = { ca: undefined, certificate: undefined, privateKey: undefined };
  const tellCa = (listener: CaListener) => listener(now.ca === undefined ? null : { caCertificate: now.ca });
  const tellIdentity = (listener: IdentityListener) => {
    const { certificate, privateKey } = now;
    listener(certificate === undefined || privateKey === undefined ? null : { certificate, privateKey });
  };
  return {
    addCaCertificateListener(listener) {
      ofCa.add(listener);
      process.nextTick(() => ofCa.has(listener) && tellCa(listener));
    },
    removeCaCertificateListener: (listener) => void ofCa.delete(listener),
    addIdentityCertificateListener(listener) {
      ofIdentity.add(listener);
      process.nextTick(() => ofIdentity.has(listener) && tellIdentity(listener));
    },
    removeIdentityCertificateListener: (listener) => void ofIdentity.delete(listener),
    publish(pems) {
      now = pems;
      ofCa.forEach(tellCa);
      ofIdentity.forEach(tellIdentity);
    },
  };
}

function refuseOther(before: object | undefined) {
  return (next: object | undefined): void => {
    if (before === undefined && next === undefined) return;
    throw needsRestart();
  };
}
