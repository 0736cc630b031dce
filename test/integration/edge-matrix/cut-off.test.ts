/**
 * The bodies of the edge matrix that are cut off: nothing holds them for longer than the bootstrap says (`max_stream_duration`, here of a second).
 * They end in 408, whether the body is waited for before the policy is asked or was on its way already, and no upstream gets a whole request.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hasEnvoy, type RunningEnvoy, startEnvoy } from "../../harness/envoy.ts";
import { sendRaw } from "../../harness/raw-http.ts";
import { type RecordingAuthorization, startRecordingAuthorization } from "../../harness/recording-authorization.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../../harness/recording-upstream.ts";
import { bodyVariants } from "./variants.ts";

const cutOff = bodyVariants.filter(({ isCutOff }) => isCutOff);
/** Far below Envoy's own five minutes (`stream_idle_timeout`), so that what ends them is what the bootstrap says. */
const PATIENCE_MS = 20_000;

const BOOTSTRAPS = [
  { file: "native.yaml", streamed: ["/reports"] },
  { file: "compat.yaml", streamed: [] },
];

((await hasEnvoy()) ? describe : describe.skip).each(BOOTSTRAPS)("Envoy, $file", ({ file, streamed }) => {
  let authorization: RecordingAuthorization;
  let upstream: RecordingUpstream;
  let envoy: RunningEnvoy;

  beforeAll(async () => {
    authorization = await startRecordingAuthorization();
    upstream = await startRecordingUpstream();
    envoy = await startEnvoy({
      bootstrap: `enforcers/envoy/${file}`,
      ports: new Map([
        [9191, authorization.port],
        [8081, upstream.port],
      ]),
      texts: new Map([["300s", "1s"]]),
    });
  });
  afterAll(async () => {
    await envoy?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
    await authorization?.[Symbol.asyncDispose]();
  });

  test("what is cut off ends in 408, and the upstream gets nothing", async () => {
    const ended = await Promise.all(
      cutOff.map(async ({ name, bytes }) => ({ name, status: (await sendRaw(envoy.port, bytes, PATIENCE_MS)).status })),
    );
    expect(ended).toEqual(cutOff.map(({ name }) => ({ name, status: 408 })));
    expect(ended.length).toBeGreaterThanOrEqual(10);
    expect(upstream.received).toEqual([]);
    // Where the policy is to see the body, nobody asks about half of one.
    const asked = new Set(authorization.seen.map(({ attributes }) => attributes?.request?.http?.path));
    expect([...asked]).toEqual(streamed);
  });
});
