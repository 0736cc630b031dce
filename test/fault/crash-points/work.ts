/**
 * What reaches each crash point: the piece of work after which a service stands there. The test makes it while the point is armed and load
 * goes on beside it; none is waited for until load brings it by. The types name every transaction, statement, publish and kept file: one that
 * is new is given its work here.
 */
import type { TransactionName } from "../../../services/approval/ports.ts";
import type { KeptName, PublishName, StatementName } from "./effects.ts";
import type { Hands } from "./hands.ts";
import { closeIncidentTwice, raiseIncident } from "./incidents.ts";
import * as kept from "./kept-files.ts";
import { loseOffsets, setOffsetsBack } from "./offsets.ts";
import { overwriteGrant, overwriteIncident } from "./overwrite.ts";
import * as people from "./people.ts";
import { dismissRecord, replayInVain, replayMended, writeGarbage } from "./quarantine.ts";
import { setBackGrant, setBackIncident } from "./set-back.ts";
import * as time from "./time-passes.ts";

/** To its end, through as many deaths as it meets. */
export type Work = (hands: Hands) => Promise<unknown>;

async function notifyInVain(hands: Hands): Promise<void> {
  hands.system.refuseNotified(1);
  await people.submit(hands);
}

/** Those that write although they refuse have a name of their own. */
type Commit = TransactionName | "review refused" | "submit refused" | StatementName;

export const COMMITS: Readonly<Record<Commit, Work>> = {
  denial: people.deny,
  offset: people.deny,
  decisions: people.read,
  quarantine: writeGarbage,
  replay: replayMended,
  "replay refused": replayInVain,
  dismiss: dismissRecord,
  submit: people.submit,
  "submit refused": people.askAsNobody,
  review: people.revoke,
  "review refused": people.voteForOneself,
  cancel: people.cancel,
  revoke: people.revoke,
  "open incident": raiseIncident,
  "close incident": raiseIncident,
  "sweep requests": people.waitTooLong,
  "sweep escalations": people.waitForEscalation,
  "sweep grants": people.letGrantLapse,
  "sweep denials": people.abandonDenial,
  "sweep keys": time.ageKey,
  "sweep quarantine": time.ageQuarantined,
  "sweep notifications": time.ageNotification,
  "sweep profiles": time.ageSighting,
  seal: people.submit,
  "overtake grants": setBackGrant,
  "overtake incidents": setBackIncident,
  // After its commit is before its reply.
  redemption: people.use,
  "grants mark": people.revoke,
  "incidents mark": raiseIncident,
  "grants repair mark": overwriteGrant,
  "incidents repair mark": overwriteIncident,
  "grants tombstone mark": time.ageGrant,
  "incidents tombstone mark": time.ageIncident,
  "profiles mark": time.meetAccount,
  "profiles removal": time.forgetAccount,
  "audit mark": people.submit,
  "decisions mark": people.read,
  "webhook mark": people.submit,
  "webhook retry": notifyInVain,
  "key hold": raiseIncident,
  "key answer": replayMended,
  "key release": closeIncidentTwice,
  "first offset": loseOffsets,
  "lost offset": setOffsetsBack,
};

export const PUBLISHES: Readonly<Record<PublishName, Work>> = {
  audit: people.submit,
  "audit decisions": people.read,
  grants: people.revoke,
  incidents: raiseIncident,
  profiles: time.meetAccount,
  tombstones: time.ageGrant,
  heartbeat: people.revoke,
};

export const SENDS: Readonly<Record<"webhook", Work>> = { webhook: people.submit };

/** Of a decision service: around what, and in which words. */
export const DECISION_STEPS: ReadonlyMap<string, Work> = new Map([
  ["denials before publish", people.deny],
  ["denials after acknowledgement", people.deny],
  ["spool before write", people.read],
  ["spool after write", people.read],
  ["decisions before publish", people.read],
  ["decisions after acknowledgement", people.read],
  ["shipped before mark", people.read],
  ["shipped after mark", people.read],
  ["redeem before call", people.use],
  ["redeem after reply", people.use],
]);

export const APPROVAL_FILES: Readonly<Record<KeptName, Work>> = {
  "kept bundle": kept.changeApprovalBundle,
  "kept keys": kept.renewApprovalKeys,
};

export const DECISION_FILES: Readonly<Record<KeptName, Work>> = {
  "kept bundle": kept.changeDecisionBundle,
  "kept keys": kept.renewDecisionKeys,
};
