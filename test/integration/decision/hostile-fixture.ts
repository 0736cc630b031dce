/**
 * Hostile input at the gRPC edge, against the decision service as a process of its own, as in production. Each ends in an explicit deny or a
 * gRPC error, never in an allow, and after each of them the same process still allows an honest check. Kafka and the approval service are
 * not there: they play no part in any of this.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { expect } from "@jest/globals";
import {
  AuthorizationService,
  CheckRequest,
  CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { type FrameAnswer, type FrameCall, frame, sendFrames } from "../../harness/grpc-frames.ts";
import { metricLine } from "../../harness/metrics.ts";
import { checkOf } from "./ask-check.ts";
import { type LoneOptions, startLoneDecision, token } from "./lone-decision.ts";

export const CHECK = AuthorizationService.check.path;

/** A check of this path by these `authorization` values, encoded. */
export function check(path: string, authorization: readonly string[]): Buffer {
  return Buffer.from(CheckRequest.encode(checkOf(path, authorization)).finish());
}

export const honest = () => check("/orders/42", [`Bearer ${token()}`]);

/** What a check came to: `allow`, the reasons of an explicit deny, a gRPC status, or no answer at all. */
export function outcomeOf({ grpcStatus, message, httpStatus }: FrameAnswer): string {
  if (message === undefined)
    return grpcStatus === undefined ? (httpStatus ?? "none").toString() : `grpc ${status[Number(grpcStatus)]}`;
  const response = CheckResponse.decode(message);
  if (response.status?.code === status.OK || response.httpResponse?.$case === "okResponse") return "allow";
  if (response.httpResponse?.$case !== "deniedResponse") throw new Error("neither an allow nor an HTTP denial");
  const { value } = response.httpResponse;
  const body: unknown = JSON.parse(value.body);
  if (typeof body !== "object" || body === null || !("reasons" in body)) throw new Error(`no problem: ${value.body}`);
  return `${value.status?.code} ${String(body.reasons)}`;
}

export type HostileTarget = Awaited<ReturnType<typeof startHostileTarget>>;

/** With the committed bundle, unless `bundleIn` makes another one in the folder and says where. */
export async function startHostileTarget(
  name: string,
  bundleIn?: (folder: string) => Promise<string>,
  more: Pick<LoneOptions, "secondIssuer" | "preload"> = {},
) {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const bundle = await bundleIn?.(folder);
  const service = await startLoneDecision({ folder, name, ...more, ...(bundle === undefined ? {} : { bundle }) });
  const outcome = async (body: Buffer, call: Partial<FrameCall> = {}) =>
    outcomeOf(await sendFrames(service.port, { path: CHECK, body, ...call }));

  return {
    ...{ port: service.port, opsUrl: service.opsUrl, pid: service.pid, log: service.log },
    outcome,
    /** What a check of this path by these `authorization` values comes to. */
    outcomeOfCheck: (path: string, authorization: readonly string[]) => outcome(frame(check(path, authorization))),
    /** The value on the line of the service's own metrics that begins so. */
    async metric(begin: string): Promise<number> {
      const line = await metricLine(service.opsUrl, `${begin} `);
      return Number(line?.slice(begin.length) ?? Number.NaN);
    },
    async expectServing() {
      expect(service.isRunning()).toBe(true);
      expect(await outcome(frame(honest()))).toBe("allow");
    },
    async [Symbol.asyncDispose]() {
      await service.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
