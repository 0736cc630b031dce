import { expect, test } from "@jest/globals";
import type { Subject } from "../../../core/domain/subject.ts";
import { instant } from "../../../core/domain/time.ts";
import { type ContextDeps, createContext } from "./gather.ts";
import { createLocalTime } from "./local-time.ts";
import { CONNECTION } from "../../../test/samples/evaluation.ts";

const account = (name: string): Subject => ({ issuer: "i", id: name, groups: [], claims: {}, actors: [] });
const danas: ContextDeps["profile"] = ({ id }) => (id === "dana" ? { days: 3 } : undefined);

function gathered(subject: Subject | undefined, profile: ContextDeps["profile"]) {
  const context = createContext({
    ...{ incidents: () => undefined, profile, sourceAddress: () => undefined, countries: undefined, device: undefined },
    freshness: () => ({ kind: "stale", why: "no_heartbeat" }),
    localTime: createLocalTime("UTC", { days: [], from: "08:00", to: "18:00" }),
  });
  return context.gather(CONNECTION, { wall: instant(1_795_478_400_000), monoMs: 0 }, subject);
}

test("there is no profile of nobody, of an account that is not known, and of anybody where none are kept", () => {
  for (const none of [
    gathered(undefined, danas),
    gathered(account("max"), danas),
    gathered(account("dana"), undefined),
  ]) {
    expect(none).not.toHaveProperty("profile");
  }
});

test("a profile is stated as it is, fresh or not", () => {
  expect(gathered(account("dana"), danas)).toMatchObject({ profile: { days: 3 }, state: { fresh: false } });
});
