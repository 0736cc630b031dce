/**
 * The certificates that a program shows, those for brokers apart, read from their files at the start and anew at each reload. When they end is a
 * metric, so that somebody hears of it before connections fail: an end comes without a restart, and nothing else would tell.
 */
import { X509Certificate } from "node:crypto";
import type { Metrics } from "../metrics/metrics.ts";
import { CERTIFICATE, readClientTls, readServerTls } from "./pem-files.ts";

/** `part`: where it is shown. */
export type Certificates = {
  server(part: string, section: Parameters<typeof readServerTls>[0]): ReturnType<typeof readServerTls>;
  client(part: string, section: Parameters<typeof readClientTls>[0]): ReturnType<typeof readClientTls>;
};

export function createCertificates(metrics: Metrics): Certificates {
  const ends = metrics.gauge(
    "certificate_ends_timestamp_seconds",
    "when the part's certificate, as last read, or the first of its chain expires (epoch); no value without a certificate",
    ["part"],
  );
  function noted<T extends { readonly cert: Buffer | null }>(part: string, tls: T | undefined): T | undefined {
    const endMs = firstEnd(tls?.cert?.toString("latin1") ?? "");
    if (endMs === undefined) ends.remove({ part });
    else ends.set({ part }, endMs / 1_000);
    return tls;
  }
  return {
    server: async (part, section) => noted(part, await readServerTls(section)),
    client: async (part, section) => noted(part, await readClientTls(section)),
  };
}

/** In epoch milliseconds, of the certificates in this text that can be read. */
function firstEnd(pems: string): number | undefined {
  const ends = (pems.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem).validToDate.getTime());
  return ends.length === 0 ? undefined : Math.min(...ends);
}
