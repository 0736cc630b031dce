/**
 * Every built-in that this host serves. What a bundle imports beyond it is refused by name when it is activated.
 * Left out on purpose: `http.send` and `net.lookup_ip_addr`, which would let a decision wait for a network.
 */
import type { BuiltinTable } from "../builtin.ts";
import { CRYPTO } from "./crypto.ts";
import { IDENTIFIERS } from "./identifiers.ts";
import { JWT } from "./jwt.ts";
import { NET } from "./net.ts";
import { OBJECT } from "./object.ts";
import { REGEX } from "./regex.ts";
import { SPRINTF } from "./sprintf.ts";
import { STRINGS } from "./strings.ts";
import { TIME } from "./time.ts";
import { URLQUERY } from "./urlquery.ts";

export const BUILTINS: BuiltinTable = new Map(
  [CRYPTO, IDENTIFIERS, JWT, NET, OBJECT, REGEX, SPRINTF, STRINGS, TIME, URLQUERY].flatMap((table) => [...table]),
);
