/**
 * `npm run bench -- identity`: what telling who calls costs. Checks whose tokens are all new beside checks whose token is known; one look into
 * the cache; and whether a flood of distinct bad tokens is felt by those who show a good one, or fills the cache.
 */
import { generateKeyPairSync, sign } from "node:crypto";
import { join } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { claims, token } from "../../integration/decision/lone-decision.ts";
import { checks, closed, open } from "../check/check-load.ts";
import { measuredDecision, startFullService } from "../check/full-service.ts";
import { sampleCheck } from "../check/sample-check.ts";
import { startChild } from "../child.ts";
import { goal, median, shown, table } from "../figures.ts";
import { atLeast, atMost, interleave } from "../load/interleave.ts";
import { allRight, prepareLoad, type Run, runLoad } from "../load/run-load.ts";
import type { Bench } from "../run-bench.ts";

const ROUNDS = 5;
const SECONDS = 2;
const FLOOD_SECONDS = 3;
const BAD_TOKENS = 10_000;
const HIT_REPEATS = 7;
const MISSES_GOAL = 0.6;
const HIT_GOAL_US = 3;
const FLOOD_GOAL = 2;
/** The cache's own bound (core/identity/token-cache.ts). */
const MOST_REFUSALS = 2_000;
/** What most identity providers sign with, unless told otherwise: what is known is of this kind, too. */
const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
/** Beyond what a round can ask: then each is asked once. */
const SPARE = 1.5;

const inProcess = Compile(
  Type.Object({
    hitUs: Type.Number(),
    missUs: Type.Number(),
    refusedEntries: Type.Integer(),
    refusedKiB: Type.Number(),
  }),
);

export const benchIdentity: Bench = async (asked, { cores, progress }) => {
  const { rounds = ROUNDS, seconds = SECONDS, repeats = HIT_REPEATS } = asked;
  const badTokens = Math.round((BAD_TOKENS * seconds) / SECONDS);
  const child = startChild(join(import.meta.dirname, "token-cache.ts"), { repeats, badTokens });
  await cores.measured(child.pid);
  const cache = inProcess.Parse(await child.answer);
  progress(`a hit ${shown(cache.hitUs)} µs, a miss ${shown(cache.missUs)} µs`);

  await using service = await startFullService({
    furtherKeys: [
      { ...rsa.publicKey.export({ format: "jwk" }), kid: "rsa", alg: "RS256", use: "sig" },
      { ...p256.publicKey.export({ format: "jwk" }), kid: "p256", alg: "ES256", use: "sig" },
    ],
  });
  const server = await measuredDecision(service, cores);
  const known = [sampleCheck("GET", rsaToken("known"))];
  const shape = closed(seconds);
  const warm = await runLoad(server, checks(known, shape)); // compiled and warm
  const atMostCalls = Math.ceil(warm.perS * (seconds + shape.warmUpS) * SPARE);
  const runs = await interleave(
    [
      { name: "known token", server, load: () => checks(known, shape) },
      { name: "new tokens, RS256", server, load: () => checks(distinct(atMostCalls, rsaToken), shape) },
      { name: "new tokens, ES256", server, load: () => checks(distinct(atMostCalls, ecToken), shape) },
      { name: "new tokens, EdDSA", server, load: () => checks(distinct(atMostCalls, goodToken), shape) },
    ],
    rounds,
    progress,
  );
  const newTokens = ["RS256", "ES256", "EdDSA"].map((algorithm) => `new tokens, ${algorithm}`);
  const share = (name: string) =>
    atLeast(
      runs.ratio(name, "known token", ({ perS }) => perS),
      MISSES_GOAL,
    );
  const each = (name: string, pick: (one: Run) => number) => shown(runs.median(name, pick));
  const row = (name: string, beside: string) => [
    ...[name, each(name, ({ perS }) => perS), beside, each(name, ({ cpuUs }) => cpuUs)],
    ...[each(name, ({ p50Ms }) => p50Ms), each(name, ({ p99Ms }) => p99Ms)],
  ];

  const valid = open(runs.median("known token", ({ perS }) => perS) / 8, seconds * FLOOD_SECONDS);
  const floodSeconds = valid.seconds + valid.warmUpS;
  const flooded: Record<"nobody" | "known" | "bad", Run[]> = { nobody: [], known: [], bad: [] };
  for (let round = 1; round <= rounds; round += 1) {
    flooded.nobody.push(await runLoad(server, checks(known, valid)));
    for (const beside of ["known", "bad"] as const) {
      const others = beside === "known" ? known : distinct(badTokens, badToken);
      const flood = { ...open(badTokens / floodSeconds, valid.seconds), warmUpS: valid.warmUpS };
      const both = await Promise.all([
        prepareLoad(server, checks(known, valid)),
        prepareLoad(server, checks(others, flood, "any")),
      ]);
      const [run] = await Promise.all(both.map((one) => one.run()));
      if (run !== undefined) flooded[beside].push(allRight(run));
    }
    progress(`round ${round} of ${rounds}: p99 with the flood ${shown(flooded.bad.at(-1)?.p99Ms ?? 0)} ms`);
  }
  const p99 = (of: readonly Run[]) => shown(median(of.map(({ p99Ms }) => p99Ms)));
  const felt = (of: readonly Run[]) =>
    median(of.map(({ p99Ms }, at) => p99Ms / (flooded.nobody[at]?.p99Ms ?? Number.NaN)));
  const perS = shown(badTokens / floodSeconds);
  return {
    name: "identity",
    title: "Who calls",
    text: [
      `A known token is found in ${atMost(cache.hitUs, HIT_GOAL_US)} µs, a new one verified in ${shown(cache.missUs)} µs where the cache is full (processor time in process, Ed25519). After ${badTokens.toLocaleString("en")} distinct bad tokens the cache holds ${goal(cache.refusedEntries, cache.refusedEntries <= MOST_REFUSALS, `≤ ${MOST_REFUSALS.toLocaleString("en")}`)} refusals, by its own count ${shown(cache.refusedKiB)} KiB.`,
      `Whole checks, medians of ${rounds} interleaved rounds of ${seconds} s, 16 under way; every token of the other rows is new:`,
      table(
        ["", "checks/s", "× known", "CPU µs", "p50 ms", "p99 ms"],
        [row("known token", "1"), ...newTokens.map((name) => row(name, share(name)))],
      ),
      `Valid checks at ${shown(valid.ratePerS)} a second for ${valid.seconds} s, with ${perS} further checks a second beside them; medians of ${rounds} rounds in turn. The second row says what the further checks cost whoever sends them.`,
      table(
        ["beside them", "p99 ms of the valid", "× nobody"],
        [
          ["nobody", p99(flooded.nobody), "1"],
          [`${perS} a second with a known token`, p99(flooded.known), shown(felt(flooded.known))],
          [
            `${badTokens.toLocaleString("en")} distinct bad tokens`,
            p99(flooded.bad),
            atMost(felt(flooded.bad), FLOOD_GOAL),
          ],
        ],
      ),
    ].join("\n\n"),
  };
};

let made = 0;

function distinct(count: number, tokenOf: (jti: string) => string): Buffer[] {
  return Array.from({ length: count }, () => {
    made += 1;
    return sampleCheck("GET", tokenOf(`bench-${made}`));
  });
}

function goodToken(jti: string): string {
  return token({ payload: claims({ jti }) });
}

function rsaToken(jti: string): string {
  const signature = (input: string) => sign("sha256", Buffer.from(input), rsa.privateKey).toString("base64url");
  return token({ payload: claims({ jti }), header: { alg: "RS256", kid: "rsa" }, signature });
}

function ecToken(jti: string): string {
  const by = { key: p256.privateKey, dsaEncoding: "ieee-p1363" } as const;
  const signature = (input: string) => sign("sha256", Buffer.from(input), by).toString("base64url");
  return token({ payload: claims({ jti }), header: { alg: "ES256", kid: "p256" }, signature });
}

/** Whose signature is one, but of another key: one that is none, or of zeros, is refused before it has cost a verification. */
const forger = generateKeyPairSync("ed25519").privateKey;

function badToken(jti: string): string {
  return token({ payload: claims({ jti }), key: forger });
}
