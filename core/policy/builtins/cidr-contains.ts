/** `net.cidr_contains` and `net.cidr_intersects` in every notation that Go takes; the module's own take fewer. */
import { builtinTable, stringArg } from "../builtin.ts";
import { cidr, contains, network } from "./net.ts";

export const CIDR_CONTAINS = builtinTable([
  ["net.cidr_contains", (args) => contains(cidr(stringArg(args, 0)), network(stringArg(args, 1)))],
  [
    "net.cidr_intersects",
    (args) => {
      const [a, b] = [cidr(stringArg(args, 0)), cidr(stringArg(args, 1))];
      return contains(a, { ...b, prefix: b.bits }) || contains(b, { ...a, prefix: a.bits });
    },
  ],
]);
