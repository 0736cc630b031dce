/**
 * The path from a leaf to a given root, as Go's Certificate.Verify finds it: each signature, validity at one moment, who
 * may sign for whom and how deep, names within constraints, and the extended key usages all along. Nothing outside the
 * given certificates is trusted, and no revocation is looked up.
 */
import ipaddr from "ipaddr.js";
import { X509Certificate } from "node:crypto";
import type { Pay } from "../../builtin.ts";
import type { Certificate } from "./certificate.ts";
import { comparisons, keepsTo } from "./name-constraints.ts";
import { isVerifiable } from "./public-key.ts";

export type VerifyOptions = {
  /** Empty: not checked. */
  readonly dnsName: string;
  readonly nowMs: number;
  /** Go's numbers of extended key usages; 0 is any. */
  readonly usages: readonly number[];
};

const CERTIFICATE_SIGN = 1 << 5;
const ANY_USAGE = 0;
/** Go's own limit on the work of one verification. */
const MAX_SIGNATURE_CHECKS = 100;

/** In fuel: of a signature, for which both certificates are read once more, and of a name that is held against a constraint. */
const PER_SIGNATURE = 600_000;
const PER_COMPARISON = 700;

type Chain = readonly Certificate[];
type Search = {
  readonly root: Certificate;
  readonly intermediates: readonly Certificate[];
  readonly options: VerifyOptions;
  readonly pay: Pay;
  signatureChecks: number;
};

/** First the root, last the leaf. Undefined when there is no valid chain; the chain begins with the leaf. */
export function verifiedChain(given: readonly Certificate[], options: VerifyOptions, pay: Pay): Chain | undefined {
  const [root] = given;
  const leaf = given.at(-1);
  if (root === undefined || leaf === undefined || given.length < 2 || !isValidNow(leaf, options)) return undefined;
  if (leaf.fields.isBasicConstraintsValid && leaf.fields.maxPathLength >= 0 && -1 > leaf.fields.maxPathLength)
    return undefined;
  if (options.dnsName !== "" && !isHost(leaf, options.dnsName)) return undefined;
  const usages = options.usages.length === 0 ? [1] : options.usages;
  const search = { root, intermediates: given.slice(1, -1), options, pay, signatureChecks: 0 };
  const candidates = isSame(root, leaf) ? [[leaf]] : chainsFrom([leaf], search);
  return candidates.find((chain) => usages.includes(ANY_USAGE) || hasUsage(chain, usages));
}

function chainsFrom(chain: Chain, search: Search): readonly Chain[] {
  const { root, intermediates, pay } = search;
  const child = chain.at(-1);
  if (child === undefined) return [];
  const chains: Chain[] = [];
  for (const parent of [root, ...intermediates]) {
    const isRoot = parent === root;
    if (Buffer.compare(child.rawIssuer, parent.rawSubject) !== 0 || chain.some((one) => isSame(one, parent))) continue;
    if (search.signatureChecks++ >= MAX_SIGNATURE_CHECKS) return chains;
    pay(PER_SIGNATURE);
    if (!isSignedBy(child, parent) || !mayFollow(chain, parent, isRoot, search)) continue;
    if (isRoot) chains.push([...chain, parent]);
    else chains.push(...chainsFrom([...chain, parent], search));
  }
  return chains;
}

function isSame(a: Certificate, b: Certificate): boolean {
  return Buffer.compare(a.raw, b.raw) === 0;
}

function isValidNow(certificate: Certificate, { nowMs }: VerifyOptions): boolean {
  return certificate.fields.unhandled.length === 0 && nowMs >= certificate.notBefore && nowMs <= certificate.notAfter;
}

function isSignedBy(child: Certificate, parent: Certificate): boolean {
  const { fields, version, publicKey } = parent;
  if (
    version === 3 ? !fields.isBasicConstraintsValid || !fields.isCa : fields.isBasicConstraintsValid && !fields.isCa
  ) {
    return false;
  }
  if (fields.keyUsage !== 0 && (fields.keyUsage & CERTIFICATE_SIGN) === 0) return false;
  if (publicKey.algorithm === 0 || !isVerifiable(child.signatureAlgorithm)) return false;
  try {
    return new X509Certificate(child.raw).verify(new X509Certificate(parent.raw).publicKey);
  } catch {
    return false;
  }
}

function mayFollow(chain: Chain, parent: Certificate, isRoot: boolean, { options, pay }: Search): boolean {
  const { fields } = parent;
  if (!isValidNow(parent, options)) return false;
  if (!isRoot && (!fields.isBasicConstraintsValid || !fields.isCa)) return false;
  if (fields.isBasicConstraintsValid && fields.maxPathLength >= 0 && chain.length - 1 > fields.maxPathLength)
    return false;
  return chain.every((below) => {
    pay(comparisons(fields.constraints, below.fields.names) * PER_COMPARISON);
    return keepsTo(fields.constraints, below.fields.names);
  });
}

/** Every certificate that names usages has to name one that all others with usages name, too. */
function hasUsage(chain: Chain, wanted: readonly number[]): boolean {
  let left = wanted;
  for (const { fields } of chain.toReversed()) {
    const isSilent = fields.usages.length === 0 && fields.unknownUsages.length === 0;
    if (isSilent || fields.usages.includes(ANY_USAGE)) continue;
    left = left.filter((usage) => fields.usages.includes(usage));
    if (left.length === 0) return false;
  }
  return true;
}

function isHost({ fields }: Certificate, host: string): boolean {
  const bare = /^\[(.+)\]$/.exec(host)?.[1] ?? host;
  if (ipaddr.isValid(bare)) {
    const wanted = ipaddr.process(bare).toString();
    return fields.names.ips.some(
      (ip) => ipaddr.process(ipaddr.fromByteArray([...ip]).toString()).toString() === wanted,
    );
  }
  const name = host.toLowerCase();
  return fields.names.dns.some((pattern) => matchesHost(pattern.toLowerCase(), name));
}

const LABEL = /^[a-z0-9_][a-z0-9_-]*$/;

/** `*` as the whole first label stands for one label. Names that are no host names match only themselves. */
function matchesHost(pattern: string, host: string): boolean {
  const [patternLabels, hostLabels] = [pattern.split("."), host.replace(/\.$/, "").split(".")];
  const isPattern =
    patternLabels.every((label, at) => LABEL.test(label) || (at === 0 && label === "*")) && pattern !== "*";
  if (!isPattern || !hostLabels.every((label) => LABEL.test(label)))
    return host !== "" && host !== "." && pattern === host;
  if (patternLabels.length !== hostLabels.length) return false;
  return patternLabels.every((label, at) => (at === 0 && label === "*") || label === hostLabels[at]);
}
