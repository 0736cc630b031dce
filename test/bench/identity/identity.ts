/**
 * `npm run bench -- identity`: what telling who calls costs. Checks whose tokens are all new beside checks whose token is known; one look into
 * the cache; and whether a flood of distinct bad tokens is felt by those who show a good one, or fills the cache.
 */
import { join } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { checks, closed, open } from "../check/check-load.ts";
import { measuredDecision, startFullService } from "../check/full-service.ts";
import { sampleCheck } from "../check/sample-check.ts";
import { startChild } from "../child.ts";
import { goal, shown, table } from "../figures.ts";
import { atMost } from "../load/interleave.ts";
import { GC_SHARE, type Measured } from "../load/measured.ts";
import { runLoad } from "../load/run-load.ts";
import { type Asked, type Bench, isAsked, type Progress } from "../run-bench.ts";
import { measureFlood, type Tail } from "./flood.ts";
import { measureNewTokens } from "./new-tokens.ts";
import { type Algorithm, distinct, FURTHER_KEYS, tokenOf } from "./signed-tokens.ts";

const ROUNDS = 5;
const SECONDS = 2;
/** Of a measurement's seconds: long enough that one full collection is less than a hundredth of it, as it is of any long time. */
const FLOOD_SECONDS = 8;
const BAD_PER_S = 1_400;
const BAD_TOKENS = 10_000;
const HIT_REPEATS = 7;
const HIT_GOAL_US = 3;
const FLOOD_GOAL = 2;
/** The cache's own bound (core/identity/token-cache.ts). */
const MOST_REFUSALS = 2_000;
/** Of those who show a known token, each their own. */
const KNOWN_TOKENS = 1_000;
/** `cache` goes with either of the others, which need what a signature costs. `flood` alone fills no cache before its second half. */
export const IDENTITY_PARTS = ["cache", "new-tokens", "flood"] as const;

const inProcess = Compile(
  Type.Object({
    hitUs: Type.Number(),
    known: Type.Integer(),
    missUs: Type.Number(),
    signatureUs: Type.Object({ RS256: Type.Number(), ES256: Type.Number(), EdDSA: Type.Number() }),
    refusedEntries: Type.Integer(),
    refusedKiB: Type.Number(),
  }),
);

export const benchIdentity: Bench = async (asked, { cores, progress }) => {
  const { seconds = SECONDS, repeats = HIT_REPEATS } = asked;
  const badTokens = Math.round((BAD_TOKENS * seconds) / SECONDS);
  const child = startChild(join(import.meta.dirname, "token-cache.ts"), { repeats, badTokens });
  await cores.measured(child.pid);
  const cache = inProcess.Parse(await child.answer);
  const { hitUs, missUs, signatureUs } = cache;
  progress(`a hit ${shown(hitUs)} µs, a miss ${shown(missUs)} µs`);
  const texts = [
    `One of ${count(cache.known)} known tokens is found in ${atMost(hitUs, HIT_GOAL_US)} µs, a new one verified in ${shown(missUs)} µs where the cache is full, ${shown(signatureUs.EdDSA)} µs of them for its signature (processor time in process, Ed25519). After ${count(badTokens)} distinct bad tokens, each shown twice, the cache holds ${goal(cache.refusedEntries, cache.refusedEntries <= MOST_REFUSALS, `≤ ${count(MOST_REFUSALS)}`)} refusals, by its own count ${shown(cache.refusedKiB)} KiB.`,
  ];
  if (isAsked(asked, "new-tokens") || isAsked(asked, "flood")) {
    await using service = await startFullService({ furtherKeys: FURTHER_KEYS });
    const server = await measuredDecision(service, cores);
    texts.push(...(await wholeChecks(server, { asked, signatureUs }, progress)));
  }
  return { name: "identity", title: "Who calls", text: texts.join("\n\n") };
};

type Terms = {
  readonly asked: Asked;
  readonly signatureUs: Readonly<Record<Algorithm, number>>;
};

async function wholeChecks(server: Measured, { asked, signatureUs }: Terms, progress: Progress): Promise<string[]> {
  const { rounds = ROUNDS, seconds = SECONDS } = asked;
  // What most identity providers sign with, unless told otherwise.
  const tokens = distinct(KNOWN_TOKENS, (jti) => tokenOf("RS256", jti));
  const known = tokens.map((one) => sampleCheck("GET", one));
  await runLoad(server, checks(known, closed(seconds))); // compiled and warm
  const { perS: knownPerS } = await runLoad(server, checks(known, closed(seconds)));
  const valid = open(knownPerS / 8, seconds * FLOOD_SECONDS);
  const inRun = Math.round(BAD_PER_S * (valid.warmUpS + valid.seconds));
  const flood = { known, valid, count: inRun, rounds };
  const onFresh =
    isAsked(asked, "flood") && (await measureFlood(server, { ...flood, besides: ["known", "bad"] }, progress));
  const texts: string[] = [];
  if (isAsked(asked, "new-tokens")) {
    const newTokens = await measureNewTokens(server, { known, knownPerS, signatureUs, rounds, seconds }, progress);
    texts.push(
      `Whole checks, medians of ${rounds} interleaved rounds of ${seconds} s, 16 under way; the known tokens are ${count(KNOWN_TOKENS)}, shown in turn, every token of the other rows is new, and all were signed before the first round. Its signature alone: one verification by node:crypto in a loop, in the same run on the same core, in µs; the rest of a miss is what its check costs beyond that and beyond one with a known token. × known at best: where a new token costs its signature and nothing else. ${GC_SHARE}`,
      newTokens,
    );
  }
  if (onFresh === false) return texts;
  const onFull = await measureFlood(server, { ...flood, besides: ["bad"] }, progress);
  const bad = `${count(inRun)} distinct bad tokens`;
  const alone = (beside: string, { p99, p999, gc }: Tail) => [beside, p99, "1", p999, gc];
  const flooded = (beside: string, { p99, p999, gc, ratio }: ReturnType<typeof onFresh.beside>) => [
    ...[beside, p99, atMost(ratio, FLOOD_GOAL), p999, gc],
  ];
  const sent = onFresh.beside("known");
  return [
    ...texts,
    `Valid checks at ${shown(valid.ratePerS)} a second for ${valid.seconds} s, with ${count(BAD_PER_S)} further checks a second beside them, each bad token shown once; medians of ${rounds} rounds in turn, the first three rows before the rounds above, when the service knows only the tokens of the valid. The second row says what the further checks cost whoever sends them. GC: beside all checks of the run.`,
    table(
      ["beside them", "p99 ms of the valid", "× nobody", "p99.9 ms", "GC % of CPU"],
      [
        alone("nobody", onFresh.nobody()),
        [`${count(BAD_PER_S)} a second with known tokens`, sent.p99, shown(sent.ratio), sent.p999, sent.gc],
        flooded(bad, onFresh.beside("bad")),
        alone("nobody, once it remembers as many others as it can", onFull.nobody()),
        flooded(`${bad}, then`, onFull.beside("bad")),
      ],
    ),
  ];
}

const count = (whole: number) => whole.toLocaleString("en");
