import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { beforeAll, describe, expect, test } from "@jest/globals";
import * as x509 from "@peculiar/x509";
import { builtinCall, callBuiltin, runBuiltin } from "../../../test/harness/run-builtin.ts";

/** The moment of `builtinCall`. */
const now = new Date(1_700_000_000_000);
const day = 86_400_000;
const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

type Made = { readonly keys: webcrypto.CryptoKeyPair; readonly certificate: x509.X509Certificate };
type Options = { readonly isCa?: boolean; readonly endsIn?: number; readonly extensions?: x509.Extension[] };

async function make(name: string, issuer: Made | undefined, options: Options = {}): Promise<Made> {
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const basic = new x509.BasicConstraintsExtension(options.isCa ?? true, undefined, true);
  const common = {
    serialNumber: "05",
    notBefore: new Date(now.getTime() - day),
    notAfter: new Date(now.getTime() + (options.endsIn ?? 1) * day),
    signingAlgorithm: ecdsa,
    extensions: [basic, ...(options.extensions ?? [])],
  };
  const certificate =
    issuer === undefined
      ? await x509.X509CertificateGenerator.createSelfSigned({ ...common, name: `CN=${name}`, keys })
      : await x509.X509CertificateGenerator.create({
          ...common,
          subject: `CN=${name}`,
          issuer: issuer.certificate.subject,
          publicKey: keys.publicKey,
          signingKey: issuer.keys.privateKey,
        });
  return { keys, certificate };
}

const chain = (...made: readonly Made[]): string =>
  made.map(({ certificate }) => `${certificate.toString("pem")}\n`).join("");
const verify = (pem: string): string => callBuiltin("crypto.x509.parse_and_verify_certificates", pem);
const withOptions = (pem: string, options: object): string =>
  callBuiltin("crypto.x509.parse_and_verify_certificates_with_options", pem, options);
const FAILED = "[false, []]";

let root: Made;
let middle: Made;
let leaf: Made;

beforeAll(async () => {
  x509.cryptoProvider.set(webcrypto);
  root = await make("root", undefined);
  middle = await make("middle", root);
  const names = new x509.SubjectAlternativeNameExtension([
    { type: "dns", value: "*.example.com" },
    { type: "url", value: "spiffe://example.com/a" },
  ]);
  leaf = await make("leaf", middle, { isCa: false, extensions: [names] });
});

describe("a chain that does not hold", () => {
  test("the middle is missing, the root is another, or there is only one certificate", async () => {
    expect(verify(chain(root, leaf))).toBe(FAILED);
    expect(verify(chain(await make("root", undefined), middle, leaf))).toBe(FAILED);
    expect(verify(chain(leaf))).toBe(FAILED);
    expect(verify("no certificate")).toBe(FAILED);
  });

  test("a certificate has ended, at the moment of the evaluation or at the one that is asked for", async () => {
    const ended = await make("ended", middle, { isCa: false, endsIn: -0.5 });
    expect(verify(chain(root, middle, ended))).toBe(FAILED);
    const later = (now.getTime() + 2 * day) * 1e6;
    expect(withOptions(chain(root, middle, leaf), { CurrentTime: later })).toBe(FAILED);
  });

  test("whoever signed is no authority", async () => {
    const noCa = await make("no authority", root, { isCa: false });
    expect(verify(chain(root, noCa, await make("below", noCa, { isCa: false })))).toBe(FAILED);
  });

  test("the usage is another one than asked for, or the name", async () => {
    const usage = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]);
    const client = await make("client", middle, { isCa: false, extensions: [usage] });
    expect(verify(chain(root, middle, client))).toBe(FAILED);
    expect(withOptions(chain(root, middle, client), { KeyUsages: ["KeyUsageClientAuth"] })).toContain("[true, ");
    expect(withOptions(chain(root, middle, leaf), { DNSName: "a.b.example.com" })).toBe(FAILED);
    expect(withOptions(chain(root, middle, leaf), { DNSName: "a.example.com" })).toContain("[true, ");
    expect(withOptions(chain(root, middle, leaf), { Nope: 1 })).toBe("error");
  });
});

describe("parsing", () => {
  test("a key among certificates, half a certificate, text that is neither: errors", () => {
    expect(callBuiltin("crypto.x509.parse_certificates", "-----BEGIN X-----\nAAAA\n-----END X-----\n")).toBe("error");
    const half = Buffer.from(leaf.certificate.rawData).subarray(0, 100).toString("base64");
    expect(callBuiltin("crypto.x509.parse_certificates", half)).toBe("error");
    expect(callBuiltin("crypto.x509.parse_certificates", "?")).toBe("error");
  });

  test("a key pair must be one", async () => {
    const pkcs8 = async (made: Made): Promise<string> => {
      const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", made.keys.privateKey)).toString("base64");
      return `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`;
    };
    expect(callBuiltin("crypto.x509.parse_keypair", chain(leaf), await pkcs8(root))).toBe("error");
    expect(callBuiltin("crypto.x509.parse_keypair", chain(leaf), await pkcs8(leaf))).toContain('"Leaf": {');
  });

  test("a chain that holds gives its certificates from the leaf on, with the names of Go's fields", () => {
    const shown = verify(chain(root, middle, leaf));
    expect(shown.match(/"CommonName": "(?:leaf|middle|root)"/g)?.at(0)).toBe('"CommonName": "middle"');
    expect(shown).toContain('"DNSNames": ["*.example.com"]');
    expect(shown).toContain('"URIStrings": ["spiffe://example.com/a"]');
    expect(shown).toContain('"SerialNumber": 5');
    expect(shown).toContain('"NotAfter": "2023-11-15T22:13:20Z"');
    const der = Buffer.from(leaf.certificate.rawData).toString("base64");
    const parsed = runBuiltin("crypto.x509.parse_certificates", JSON.stringify([der]), builtinCall);
    expect(parsed).toContain('"IsCA": false');
  });
});

test("each signature that is checked on the way to the root is paid", () => {
  const costOf = (pem: string): number => {
    let cost = 0;
    const call = { ...builtinCall, pay: (units: number) => void (cost += units) };
    expect(runBuiltin("crypto.x509.parse_and_verify_certificates", JSON.stringify([pem]), call)).toContain("[true, ");
    return cost;
  };
  expect(costOf(chain(root, middle))).toBeGreaterThan(0);
  expect(costOf(chain(root, middle, leaf))).toBe(2 * costOf(chain(root, middle)));
});
