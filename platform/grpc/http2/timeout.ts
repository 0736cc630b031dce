/** `grpc-timeout`: at most eight digits and a unit ("Requests" of the gRPC HTTP/2 protocol). */
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS = new Map([
  ["H", 3_600_000],
  ["M", 60_000],
  ["S", 1_000],
  ["m", 1],
  ["u", 1e-3],
  ["n", 1e-6],
]);

/** Milliseconds; Infinity when none is stated, NaN when what is stated is none. */
export function timeoutMs(header: string | readonly string[] | undefined): number {
  if (header === undefined) return Number.POSITIVE_INFINITY;
  const [, digits, unit = ""] = typeof header === "string" ? (TIMEOUT.exec(header) ?? []) : [];
  return Number(digits) * (UNIT_MS.get(unit) ?? Number.NaN);
}
