/**
 * From a verified token's claims to the account. Claims that decide something must have exactly the right shape, or the token is refused: a rule
 * such as `deny if "contractors" in groups` would be defeated by groups that are silently empty.
 */
import type { Actor, Json, Subject } from "../domain/subject.ts";
import type { Issuer } from "./issuers.ts";
import { isObject, type JsonObject } from "./strict-json.ts";

/** Longest account or person id in UTF-16 units; RFC 7519 sets none, OpenID Connect Core 255. */
const MAX_ID_LENGTH = 256;
/** Of an actor's issuer, which nobody configured: an address, as long as any that is in use. */
const MAX_ISSUER_LENGTH = 1_024;
/** Agents that call agents; a longer chain is a mistake or an attack. */
const MAX_ACTORS = 8;

/** An id that can stand in a header, a column and a digest: not empty, bounded, without control characters or spaces around it. */
export function isIdText(value: Json | undefined): value is string {
  return isText(value, MAX_ID_LENGTH);
}

function isText(value: Json | undefined, maxLength: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= maxLength && !/\p{Cc}|^\s|\s$/u.test(value);
}

/** The account, or undefined when a claim that matters is missing or has the wrong shape. */
export function subjectFromClaims(claims: JsonObject, issuer: Issuer): Subject | undefined {
  const id = claims["sub"];
  const groups = isElsewhere(claims, issuer.groupsClaim) ? undefined : groupsOf(claimAt(claims, issuer.groupsClaim));
  const actors = actorsOf(claims["act"], issuer.issuer);
  if (!isIdText(id) || groups === undefined || actors === undefined) return undefined;
  const { exp: _exp, nbf: _nbf, iat: _iat, ...kept } = claims;
  Object.setPrototypeOf(kept, null);
  return { issuer: issuer.issuer, id, groups, claims: kept, actors };
}

/**
 * Whether the issuer says that there are groups, and not which: for somebody in too many of them it names a place to ask instead (OpenID
 * Connect Core section 5.6.2; Entra ID, which in tokens by way of a browser says `hasgroups` alone).
 */
function isElsewhere({ _claim_names: named, hasgroups }: JsonObject, groupsClaim: string): boolean {
  // NB: of a nested claim too, whose outermost one is what is elsewhere.
  if (isObject(named) && claimAt(named, groupsClaim) !== undefined) return true;
  return groupsClaim === "groups" && (hasgroups === true || hasgroups === "true");
}

/**
 * The claim of this name or, where there is none, the one that its dots lead to (`realm_access.roles` of Keycloak), names with dots in them
 * included. Null where they lead into what holds no claims: that is no list of groups, and not none.
 */
function claimAt(claims: JsonObject, path: string): Json | undefined {
  if (Object.hasOwn(claims, path)) return claims[path];
  for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) {
    const name = path.slice(0, dot);
    if (!Object.hasOwn(claims, name)) continue;
    const inner = claims[name];
    const found = isObject(inner) ? claimAt(inner, path.slice(dot + 1)) : null;
    if (found !== undefined) return found;
  }
  return undefined;
}

function groupsOf(value: Json | undefined): readonly string[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return undefined;
  const groups = value.filter((item) => typeof item === "string");
  return groups.length === value.length ? groups : undefined;
}

/** RFC 8693 section 4.1: the outermost `act` is who acts now, each nested one acted before it. */
function actorsOf(act: Json | undefined, tokenIssuer: string): readonly Actor[] | undefined {
  const actors: Actor[] = [];
  for (let level = act; level !== undefined; level = level["act"]) {
    if (!isObject(level) || actors.length === MAX_ACTORS) return undefined;
    const { sub, iss = tokenIssuer } = level;
    if (!isIdText(sub) || !isText(iss, MAX_ISSUER_LENGTH)) return undefined;
    actors.push({ issuer: iss, id: sub });
  }
  return actors;
}
