/**
 * `parsed_path` and `parsed_query`, byte for byte as opa-envoy-plugin makes them: cut at the first `?`, percent-decode,
 * trim all leading slashes, split. NB: no URL class is used. A path `//admin/x` read as a URL has the authority `admin`,
 * and a rule on the first segment is missed (CVE-2026-26205).
 */
import { parseGoQuery, unescapePercent } from "../go-query.ts";

export type ParsedPath =
  | {
      readonly kind: "parsed";
      readonly segments: readonly string[];
      readonly query: ReadonlyMap<string, readonly string[]>;
    }
  | { readonly kind: "fault"; readonly message: string };

export function parsePath(pathAndQuery: string): ParsedPath {
  const cut = pathAndQuery.indexOf("?");
  const path = unescapePercent(cut < 0 ? pathAndQuery : pathAndQuery.slice(0, cut), false);
  if (path.kind === "bad_escape") {
    return { kind: "fault", message: `invalid URL escape ${JSON.stringify(path.escape.toWellFormed())}` };
  }
  const query = parseGoQuery(cut < 0 ? "" : pathAndQuery.slice(cut + 1));
  if (query.kind === "fault") return query;
  return { kind: "parsed", segments: path.text.replace(/^\/+/, "").split("/"), query: query.values };
}
