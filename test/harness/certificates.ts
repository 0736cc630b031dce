/**
 * Certificates for tests of TLS: an authority of its own and what it signs, good ones and such as no honest authority
 * would hand out (expired, for another host, for the other side of the connection, signed by a certificate that may not
 * sign). Real X.509 by @peculiar/x509, made anew in each run, so that none can expire in the repository.
 */
import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  BasicConstraintsExtension,
  cryptoProvider,
  type Extension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 3_600_000;
const USES = { server: ExtendedKeyUsage.serverAuth, client: ExtendedKeyUsage.clientAuth };

cryptoProvider.set(webcrypto);

/** PEM, as files would hold it: the chain with the certificate itself first, and its PKCS#8 key. */
export type CertificatePair = { readonly cert: Buffer; readonly key: Buffer };

export type CertificateOptions = {
  readonly name: string;
  /** What it may be shown as. */
  readonly use: "server" | "client";
  /** DNS names and IP addresses. Default: localhost and 127.0.0.1. */
  readonly hosts?: readonly string[];
  /** URI names, such as a SPIFFE ID, in front of them. */
  readonly uris?: readonly string[];
  /** Default: a day from now. Negative: it has ended so long ago. */
  readonly endsInMs?: number;
};

export type Authority = {
  /** Its own certificate, PEM. */
  readonly ca: Buffer;
  issue(options: CertificateOptions): Promise<CertificatePair>;
  /** Signed by a certificate of this authority that is no authority itself; the chain is shown whole. */
  issueByLeaf(options: CertificateOptions): Promise<CertificatePair>;
};

type Signer = { readonly certificate: X509Certificate; readonly keys: webcrypto.CryptoKeyPair };

export async function createAuthority(name: string): Promise<Authority> {
  const root = await create({ name, endsInMs: DAY_MS, signer: undefined }, [
    new BasicConstraintsExtension(true, 0, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
  ]);
  return {
    ca: Buffer.from(root.certificate.toString("pem")),
    issue: async (options) => pairOf(await leaf(options, root)),
    async issueByLeaf(options) {
      const between = await leaf({ ...options, name: "no authority" }, root);
      return pairOf(await leaf(options, between), between);
    },
  };
}

function leaf(options: CertificateOptions, signer: Signer): Promise<Signer> {
  const { name, use, hosts = ["localhost", "127.0.0.1"], uris = [], endsInMs = DAY_MS } = options;
  const names = [
    ...uris.map((value) => ({ type: "url", value }) as const),
    ...hosts.map((host) => ({ type: /^[0-9.]+$|:/.test(host) ? "ip" : "dns", value: host }) as const),
  ];
  return create({ name, endsInMs, signer }, [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([USES[use]]),
    new SubjectAlternativeNameExtension(names),
  ]);
}

async function create(
  { name, endsInMs, signer }: { name: string; endsInMs: number; signer: Signer | undefined },
  extensions: Extension[],
): Promise<Signer> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const end = Date.now() + endsInMs;
  const subject = `CN=${name}`;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomBytes(15).toString("hex"),
    subject,
    issuer: signer?.certificate.subject ?? subject,
    notBefore: new Date(Math.min(end, Date.now()) - DAY_MS),
    notAfter: new Date(end),
    publicKey: keys.publicKey,
    signingKey: (signer?.keys ?? keys).privateKey,
    signingAlgorithm: ALGORITHM,
    extensions,
  });
  return { certificate, keys };
}

async function pairOf({ certificate, keys }: Signer, ...chain: Signer[]): Promise<CertificatePair> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const shown = [certificate, ...chain.map((one) => one.certificate)];
  return {
    cert: Buffer.from(shown.map((one) => one.toString("pem")).join("\n")),
    key: Buffer.from(
      `-----BEGIN PRIVATE KEY-----\n${pkcs8.replaceAll(/.{64}(?=.)/g, "$&\n")}\n-----END PRIVATE KEY-----\n`,
    ),
  };
}

/** Paths, as configurations name them. */
export type PairFiles = { readonly cert: string; readonly key: string };

export async function pairFiles(folder: string, name: string, { cert, key }: CertificatePair): Promise<PairFiles> {
  return { cert: await pemFile(folder, `${name}-cert`, cert), key: await pemFile(folder, `${name}-key`, key) };
}

/** The path of the new file. */
export async function pemFile(folder: string, name: string, pem: Buffer): Promise<string> {
  const path = join(folder, `${name}.pem`);
  await writeFile(path, pem, { mode: 0o600 });
  return path;
}
