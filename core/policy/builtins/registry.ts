/**
 * Every built-in that this host serves: all that OPA 1.20.2 leaves to a host, and those of the network apart, which are served where
 * configuration says so. What a bundle imports beyond it is refused by name when it is activated (not-served.ts).
 */
import type { BuiltinTable } from "../builtin.ts";
import { AWS_SIGNING } from "./aws-signing.ts";
import { CASTS } from "./casts.ts";
import { CRYPTO } from "./crypto.ts";
import { GLOBS_INTERSECT } from "./globs-intersect.ts";
import { GRAPHQL } from "./graphql.ts";
import { IDENTIFIERS } from "./identifiers.ts";
import { JSON_PATCH } from "./json-patch.ts";
import { JSON_SCHEMA } from "./json-schema.ts";
import { JWT } from "./jwt.ts";
import { NET } from "./net.ts";
import { NETWORK } from "./network.ts";
import { OBJECT } from "./object.ts";
import { REGEX } from "./regex.ts";
import { REGO_MODULE } from "./rego-module.ts";
import { SEMVER } from "./semver.ts";
import { SPRINTF } from "./sprintf.ts";
import { STRINGS } from "./strings.ts";
import { TIME } from "./time.ts";
import { UNITS } from "./units.ts";
import { URI } from "./uri.ts";
import { URLQUERY } from "./urlquery.ts";
import { UUID } from "./uuid.ts";
import { X509 } from "./x509.ts";
import { YAML } from "./yaml.ts";

const TABLES = [
  AWS_SIGNING,
  CASTS,
  CRYPTO,
  GLOBS_INTERSECT,
  GRAPHQL,
  IDENTIFIERS,
  JSON_PATCH,
  JSON_SCHEMA,
  JWT,
  NET,
  OBJECT,
  REGEX,
].concat([REGO_MODULE, SEMVER, SPRINTF, STRINGS, TIME, UNITS, URI, URLQUERY, UUID, X509, YAML]);

export const BUILTINS: BuiltinTable = new Map(TABLES.flatMap((table) => [...table]));

/** For decisions that may ask the network, and for whoever only tries such a policy and asks nobody. */
export const BUILTINS_AND_NETWORK: BuiltinTable = new Map([...BUILTINS, ...NETWORK]);
