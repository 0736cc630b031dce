/**
 * How a rule names a certificate identity: exactly, or as a SPIFFE ID segment by segment, where `{name}` stands for exactly one whole
 * segment of the path. Pure.
 *
 * NB: never a pattern over text: an unescaped dot, or a `*` that crosses a slash, makes two domains one (Istio CVE-2026-39350).
 */
const SPIFFE = "spiffe://";
/** SPIFFE-ID section 2.2: what a segment of the path may hold. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/;
const CAPTURE = /^\{([a-z][a-z0-9_]*)\}$/;

/** Name → the segment that it stands for. */
export type Captures = ReadonlyMap<string, string>;

/** What the captures of a rule hold for this identity, or undefined when the rule does not name it. Pure. */
export function matchPrincipal(match: string, principal: string): Captures | undefined {
  const captures = new Map<string, string>();
  if (!match.startsWith(SPIFFE)) return match === principal ? captures : undefined;
  const wanted = match.slice(SPIFFE.length).split("/");
  const shown = principal.startsWith(SPIFFE) ? principal.slice(SPIFFE.length).split("/") : [];
  if (wanted.length !== shown.length) return undefined;
  for (const [at, segment] of wanted.entries()) {
    const value = shown[at] ?? "";
    const name = CAPTURE.exec(segment)?.[1];
    if (name === undefined ? segment !== value : !SEGMENT.test(value)) return undefined;
    if (name !== undefined) captures.set(name, value);
  }
  return captures;
}

/** Names of the captures, or what is wrong with a rule's `match`. */
export function capturesOf(match: string): readonly string[] | { readonly problem: string } {
  if (!match.startsWith(SPIFFE)) {
    return /[{}*]/.test(match) ? { problem: "may hold {name} or * only as segments of a spiffe:// identity" } : [];
  }
  const [domain = "", ...path] = match.slice(SPIFFE.length).split("/");
  if (!/^[a-z0-9._-]+$/.test(domain)) return { problem: "needs a trust domain in lower case after spiffe://" };
  const names: string[] = [];
  for (const segment of path) {
    const name = CAPTURE.exec(segment)?.[1];
    if (name !== undefined && names.includes(name)) return { problem: `names {${name}} twice` };
    if (name !== undefined) names.push(name);
    else if (!SEGMENT.test(segment)) return { problem: `has a segment that is neither text nor {name}: "${segment}"` };
  }
  return names;
}

/** `{name}` is replaced by what was captured. Pure. */
export function fillIn(template: string, captures: Captures): string {
  return template.replaceAll(/\{([a-z][a-z0-9_]*)\}/g, (text, name: string) => captures.get(name) ?? text);
}
