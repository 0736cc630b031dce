/**
 * The token cache in process, with real verification, where it is full: a look at a token that is known, a new one, a signature alone, and what a flood
 * of bad ones leaves. Looks go over all that are known, none beside the last: the one that was shown last is where the processor has it at hand.
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { claims, token } from "../../integration/decision/lone-decision.ts";
import { compose, readClocks } from "../check/composed.ts";
import { answerWith, given } from "../child.ts";
import { CALLS, cpuTime } from "../cpu-time.ts";
import { type Algorithm, bareVerification } from "./signed-tokens.ts";

/** By which everything is compiled. */
const WARM_UPS = 20_000;
/** Between two looks; a prime, so that they come to every token. */
const STRIDE = 7_919;
/** As many as the cache remembers (core/identity/token-cache.ts): from then on each that comes makes one go. */
const MOST_ACCEPTED = 20_000;

const Spec = Compile(Type.Object({ repeats: Type.Integer(), badTokens: Type.Integer() }));
const { repeats, badTokens } = Spec.Parse(await given());
await using parts = await compose(1);
const identify = (value: string) => parts.identify.identify({ authorization: [value] }, readClocks().wall);
/** As it comes out of a request: a text of its own, and not one whose hash was looked for before. */
const received = (one: string) => Buffer.from(`Bearer ${one}`, "latin1").toString("latin1");

const distinct = (name: string, at: number) => token({ payload: claims({ jti: `${name}-${at}` }) });
const before = Math.min(MOST_ACCEPTED, 2 * repeats * CALLS); // a short run is not for figures
const known = Array.from({ length: before }, (_, at) => distinct("before", at));
for (const one of known) identify(received(one));
let place = 0;
let values: string[] = [];
function receive(count: number): void {
  values = Array.from({ length: count }, () => {
    place = (place + STRIDE) % known.length;
    return received(known[place] ?? "");
  });
}
const lookUp = () => identify(values.pop() ?? "");
receive(WARM_UPS);
for (let call = 0; call < WARM_UPS; call += 1) lookUp();
const hitUs = await cpuTime(lookUp, repeats, () => receive(CALLS));
const { accepted } = parts.identify.cacheSize();
if (accepted.entries !== before) throw new Error("a look was not at a token that is known");

const fresh = Array.from({ length: repeats * CALLS }, (_, at) => distinct("new", at));
const missUs = await cpuTime(() => identify(received(fresh.pop() ?? "")), repeats);

const bare = (algorithm: Algorithm) => cpuTime(bareVerification(algorithm), repeats);
const signatureUs = { RS256: await bare("RS256"), ES256: await bare("ES256"), EdDSA: await bare("EdDSA") };

const signature = Buffer.alloc(64, 1).toString("base64url");
for (let bads = 0; bads < badTokens; bads += 1) {
  const bad = token({ payload: claims({ jti: `bad-${bads}` }), signature: () => signature });
  for (const caller of [identify(received(bad)), identify(received(bad))]) {
    if (caller.kind !== "refused") throw new Error("a bad token was believed");
  }
}
const { refused } = parts.identify.cacheSize();
const left = { refusedEntries: refused.entries, refusedKiB: refused.bytes / 1_024 };
answerWith({ hitUs, known: before, missUs, signatureUs, ...left });
