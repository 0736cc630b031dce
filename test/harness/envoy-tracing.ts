/** The committed way to have Envoy send its spans (enforcers/envoy/tracing.yaml), put where its header says. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";

const FILE = new URL("../../enforcers/envoy/tracing.yaml", import.meta.url);
/** The port that stands in the file. */
export const COLLECTOR_PORT = 4318;

/** `config` with it. */
export async function withTracing(config: unknown): Promise<unknown> {
  const { tracing, cluster } = parse(await readFile(FILE, "utf8"));
  const put = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(put);
    if (typeof value !== "object" || value === null) return value;
    const inner = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, put(one)]));
    if ("stat_prefix" in value && "http_filters" in value) return { ...inner, tracing };
    if ("clusters" in value && Array.isArray(inner["clusters"])) {
      return { ...inner, clusters: [...inner["clusters"], cluster] };
    }
    return inner;
  };
  return put(config);
}
