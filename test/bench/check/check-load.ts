/** The load of Checks that are to be allowed. */
import { AuthorizationService } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { Load } from "../load/run-load.ts";

/** A status of zero bytes, which is OK. */
const STATUS_OK = "0a00";

/** How often it is asked, and how many at once; not what. */
export type Shape = Omit<Load, "call" | "requests">;

/** `any`: also those that are answered with anything else. */
export function checks(requests: readonly Buffer[], shape: Shape, expected: "allowed" | "any" = "allowed"): Load {
  return {
    ...shape,
    call: {
      kind: "grpc",
      path: AuthorizationService.check.path,
      headers: {},
      expected: expected === "any" ? "" : STATUS_OK,
    },
    requests: requests.map((one) => one.toString("base64")),
  };
}

/** As many as get through, on one connection. */
export const closed = (seconds: number) => ({
  ...{ connections: 1, streams: 16, warmUpS: Math.min(0.5, seconds), seconds, ratePerS: null },
});

/** At a fixed rate. */
export const open = (ratePerS: number, seconds: number) => ({
  ...{ connections: 1, streams: 1, warmUpS: Math.min(1, seconds), seconds, ratePerS },
});

/** The same, and each call is told (load/seconds.ts). */
export const openKept = (ratePerS: number, seconds: number) => ({ ...open(ratePerS, seconds), keepsCalls: true });
