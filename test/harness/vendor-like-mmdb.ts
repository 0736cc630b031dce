/** A file such as vendors make of countries: many networks of both kinds of address, each with a whole record, names in eight languages. */
import { makeMmdb } from "./mmdb.ts";

const NETWORKS = 4_500;

export function makeVendorLikeMmdb(code: string, builtAt = 1_790_000_000): Buffer {
  const networks = Array.from({ length: NETWORKS }, (_, at) => [
    [`${1 + Math.floor(at / 256)}.${at % 256}.0.0/16`, record(code)] as const,
    [`2a00:${at.toString(16)}::/32`, record(code)] as const,
  ]);
  return makeMmdb(Object.fromEntries(networks.flat()), { ipVersion: 6, recordSize: 28, builtAt });
}

function record(code: string) {
  const names = (name: string) =>
    Object.fromEntries(["de", "en", "es", "fr", "ja", "pt-BR", "ru", "zh-CN"].map((one) => [one, `${name} (${one})`]));
  const country = { geoname_id: 2_921_044, iso_code: code, names: names(`Country ${code}`) };
  return {
    continent: { code: "EU", geoname_id: 6_255_148, names: names("Europe") },
    country,
    registered_country: country,
  };
}
