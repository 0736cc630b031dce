/**
 * The issuers whose tokens are accepted: their configuration, its faults, and the form that the rest of this folder uses. Both services embed
 * `IssuerSchema`, so the same settings identify people everywhere.
 *
 * NB: audience and algorithms have no default. A verifier without an audience accepts every token its issuer ever made for anybody (OpenFGA
 * CVE-2026-55689), and one without an algorithm list believes the token about how it was signed.
 */
import { type Static, Type } from "typebox";
import { parseDuration } from "../domain/time.ts";
import type { ConfigFault } from "../../platform/config/fault.ts";
import { FilePath } from "../../platform/config/files.ts";
import { isLoopback } from "../../platform/config/tls-rules.ts";
import { ALGORITHM_NAMES, type Algorithm, algorithmNamed } from "./algorithms.ts";

const MAX_TOLERANCE_MS = 30_000;
const closed = { additionalProperties: false };

/** Who of a realm stands behind an account. */
export const PersonSchema = Type.Object(
  {
    realm: Type.String({
      minLength: 1,
      maxLength: 128,
      description: "Name of a set of people; issuers with the same realm identify the same people.",
    }),
    claim: Type.String({
      minLength: 1,
      maxLength: 128,
      description: "Claim whose value identifies one human, whichever account is used.",
    }),
    ignore_case: Type.Optional(
      Type.Boolean({
        description:
          "For claims such as email, where two spellings are one person. Must be the same throughout a realm.",
      }),
    ),
  },
  closed,
);

export const IssuerSchema = Type.Object(
  {
    issuer: Type.String({ minLength: 1, maxLength: 512, description: "Exactly the `iss` of its tokens." }),
    audience: Type.Array(Type.String({ minLength: 1 }), { description: "A token must be for at least one of these." }),
    other_audiences: Type.Optional(
      Type.Literal("refused", {
        description:
          "Refuse a token that is for anybody else too, who receives it and could show it here. Wanted where people act: at the approval service.",
      }),
    ),
    algorithms: Type.Array(Type.String(), { description: `Accepted signature algorithms: ${ALGORITHM_NAMES}.` }),
    jwks_uri: Type.Optional(
      Type.String({ description: "https, or http on a loopback address; redirects are refused." }),
    ),
    jwks_file: FilePath("A JWK set on disk, instead of jwks_uri."),
    ca_path: FilePath("For an https jwks_uri: CA certificates (PEM), instead of the system's roots."),
    typ: Type.Optional(Type.String({ minLength: 1, description: "Required `typ` header, such as at+jwt (RFC 9068)." })),
    id_tokens: Type.Optional(
      Type.Literal("accepted", {
        description:
          "Accept ID tokens. They only say that somebody signed in somewhere, so they are refused (recognised by `nonce`, `at_hash`, `c_hash`, `s_hash`) unless this is set.",
      }),
    ),
    max_token_age: Type.Optional(Type.String({ description: "Longest time since `iat`; 24h by default." })),
    clock_tolerance: Type.Optional(
      Type.String({ description: "Tolerated clock difference, at most 30s; 5s by default." }),
    ),
    groups_claim: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description:
          "Claim that lists the groups; groups by default. If no claim has that name, its dots lead into nested claims: realm_access.roles.",
      }),
    ),
    person: Type.Optional(PersonSchema),
    machine: Type.Optional(
      Type.Object(
        {
          claim: Type.String({
            minLength: 1,
            maxLength: 128,
            description: "Claim that marks a machine, which never counts as a human approver.",
          }),
          value: Type.Union([Type.String(), Type.Boolean()], { description: "Value of that claim for a machine." }),
        },
        closed,
      ),
    ),
  },
  closed,
);

export type IssuerConfig = Static<typeof IssuerSchema>;

export type KeySource =
  | { readonly kind: "http"; readonly url: string; readonly caPath: string | undefined }
  | { readonly kind: "file"; readonly path: string };

export type PersonClaim = { readonly realm: string; readonly claim: string; readonly ignoreCase: boolean };

export type Issuer = {
  readonly issuer: string;
  readonly audience: readonly string[];
  /** Whether a token may also be for others. */
  readonly otherAudiences: boolean;
  readonly algorithms: ReadonlySet<Algorithm>;
  readonly keySource: KeySource;
  readonly typ: string | undefined;
  /** Whether ID tokens count like access tokens. */
  readonly idTokens: boolean;
  readonly maxTokenAgeMs: number;
  readonly clockToleranceMs: number;
  readonly groupsClaim: string;
  readonly person: PersonClaim | undefined;
  readonly machine: { readonly claim: string; readonly value: string | boolean } | undefined;
};

export type Issuers = ReadonlyMap<string, Issuer>;

/** What makes a list of issuers unsafe or unusable, all at once; empty when it may be used. `key` is the path of the list. */
export function issuerFaults(configs: readonly IssuerConfig[], key = "issuers"): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  const caseOfRealm = new Map<string, boolean>();
  const seen = new Set<string>();
  configs.forEach((config, index) => {
    const fault = (name: string, problem: string) =>
      faults.push({ key: `${key}.${index}.${name}`, variable: undefined, problem });
    if (seen.has(config.issuer)) fault("issuer", "is configured twice; keep one entry for each issuer");
    seen.add(config.issuer);
    if (config.audience.length === 0)
      fault("audience", "is empty, so a token for any audience would be accepted; name at least one audience");
    if (config.algorithms.length === 0) fault("algorithms", `is empty; name some of ${ALGORITHM_NAMES}`);
    for (const algorithm of config.algorithms) {
      if (algorithmNamed(algorithm) === undefined) fault("algorithms", algorithmProblem(algorithm));
    }
    if ((config.jwks_uri === undefined) === (config.jwks_file === undefined)) {
      fault("jwks_uri", "give exactly one of jwks_uri and jwks_file");
    }
    if (config.jwks_uri !== undefined) {
      const problem = uriProblem(config.jwks_uri);
      if (problem !== undefined) fault("jwks_uri", problem);
    }
    if (config.ca_path !== undefined && URL.parse(config.jwks_uri ?? "")?.protocol !== "https:") {
      fault("ca_path", "is set, but there is no https jwks_uri to use it for; remove it");
    }
    if (milliseconds(config.max_token_age, "24h") === undefined) {
      fault("max_token_age", "is not a duration such as 8h (s, m or h)");
    }
    const toleranceMs = milliseconds(config.clock_tolerance, "5s");
    if (toleranceMs === undefined || toleranceMs > MAX_TOLERANCE_MS) {
      fault("clock_tolerance", "must be a duration of at most 30s");
    }
    if (config.person === undefined) return;
    const { realm, ignore_case: ignoreCase = false } = config.person;
    if (realm.includes("/")) fault("person.realm", "must not contain a slash");
    if ((caseOfRealm.get(realm) ?? ignoreCase) !== ignoreCase) {
      fault("person.ignore_case", "must be the same for every issuer of one realm");
    }
    caseOfRealm.set(realm, ignoreCase);
  });
  return faults;
}

/** The issuers by their name. Call after `issuerFaults` found nothing: what is faulty is left out, so its tokens are refused. */
export function createIssuers(configs: readonly IssuerConfig[]): Issuers {
  const issuers = new Map<string, Issuer>();
  for (const config of configs) {
    const keySource = keySourceOf(config);
    const maxTokenAgeMs = milliseconds(config.max_token_age, "24h");
    const clockToleranceMs = milliseconds(config.clock_tolerance, "5s");
    if (keySource === undefined || maxTokenAgeMs === undefined || clockToleranceMs === undefined) continue;
    if (issuerFaults([config]).length > 0 || issuers.has(config.issuer)) continue;
    issuers.set(config.issuer, {
      issuer: config.issuer,
      audience: config.audience,
      otherAudiences: config.other_audiences !== "refused",
      algorithms: new Set(config.algorithms.flatMap((name) => algorithmNamed(name) ?? [])),
      keySource,
      typ: config.typ,
      idTokens: config.id_tokens === "accepted",
      maxTokenAgeMs,
      clockToleranceMs,
      groupsClaim: config.groups_claim ?? "groups",
      person: config.person && {
        realm: config.person.realm,
        claim: config.person.claim,
        ignoreCase: config.person.ignore_case ?? false,
      },
      machine: config.machine,
    });
  }
  return issuers;
}

function keySourceOf({ jwks_uri: url, jwks_file: path, ca_path: caPath }: IssuerConfig): KeySource | undefined {
  if (url !== undefined) return { kind: "http", url, caPath };
  return path === undefined ? undefined : { kind: "file", path };
}

function algorithmProblem(name: string): string {
  if (name.toLowerCase() === "none") return "none is no signature; remove it";
  if (/^HS\d+$/.test(name)) return `${name} is symmetric: whoever can verify could sign; use one of ${ALGORITHM_NAMES}`;
  return `holds an unknown algorithm; use some of ${ALGORITHM_NAMES}`;
}

function uriProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null) return "is not a URL";
  if (url.username !== "" || url.password !== "") return "may not hold a user name or password";
  if (url.hash !== "") return "may not hold a fragment";
  if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) return undefined;
  return "must be https (http only on a loopback address)";
}

function milliseconds(text: string | undefined, fallback: string): number | undefined {
  return text === "0s" ? 0 : parseDuration(text ?? fallback);
}
