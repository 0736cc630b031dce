/** The committed cluster for mutual TLS (enforcers/envoy/countersign-mtls.yaml) with files and a name of a test. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import type { EnvoyCluster } from "./envoy.ts";

const FILE = new URL("../../enforcers/envoy/countersign-mtls.yaml", import.meta.url);
/** The name that stands in the file. */
export const DECISION_NAME = "decision.example";

type MtlsFiles = {
  /** What Envoy shows: paths. */
  readonly cert: string;
  readonly key: string;
  /** Path of the authority that it believes. */
  readonly ca: string;
  /** The name that it believes; the file's own unless given. */
  readonly name?: string;
};

export async function mtlsCluster({ cert, key, ca, name = DECISION_NAME }: MtlsFiles): Promise<EnvoyCluster> {
  const text = (await readFile(FILE, "utf8"))
    .replaceAll("/etc/envoy/tls/envoy.pem", cert)
    .replaceAll("/etc/envoy/tls/envoy.key", key)
    .replaceAll("/etc/envoy/tls/ca.pem", ca)
    .replaceAll(DECISION_NAME, name);
  const cluster: unknown = parse(text);
  if (typeof cluster !== "object" || cluster === null) throw new Error(`no cluster in ${FILE.pathname}`);
  return { ...cluster, name: "countersign" };
}
