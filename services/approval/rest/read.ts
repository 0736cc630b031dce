/**
 * From validated bodies to arguments of commands. Checks what a schema cannot express (a time that exists, a duration within range). @throws
 * AppError invalid_argument, which the edge answers with 400.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import type { Narrowing } from "../../../core/domain/narrowing.ts";
import type { Asked } from "../../../core/domain/submit.ts";
import { visibleLength } from "../../../core/domain/visible-text.ts";
import { type DurationMs, type Instant, parseDuration, parseRfc3339 } from "../../../core/domain/time.ts";
import type { SubmitBody } from "./schema/requests.ts";
import type { ReviewBody } from "./schema/reviews.ts";

export function readAsked({ elevation, justification, requested }: SubmitBody): Asked {
  const notAfter = readTime(requested?.not_after, "/requested/not_after");
  return {
    entitlement: elevation?.entitlement,
    scope: elevation?.scope,
    justification: justification ?? "",
    maxUses: requested?.max_uses,
    duration: readDuration(requested?.duration, "/requested/duration"),
    notBefore: readTime(requested?.not_before, "/requested/not_before"),
    ...(notAfter === undefined ? {} : { notAfter }),
  };
}

export function readNarrowing(narrowing: ReviewBody["narrowing"]): Narrowing | undefined {
  if (narrowing === undefined) return undefined;
  const { max_uses: maxUses, binding } = narrowing;
  const duration = readDuration(narrowing.duration, "/narrowing/duration");
  const notBefore = readTime(narrowing.not_before, "/narrowing/not_before");
  return {
    ...(maxUses === undefined ? {} : { maxUses }),
    ...(duration === undefined ? {} : { duration }),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(binding === undefined ? {} : { binding }),
  };
}

/** What somebody has to say has to be there to be read. */
export function readWords(text: string, pointer: string): string {
  if (visibleLength(text) === 0) throw new AppError("invalid_argument", `${pointer} holds nothing that can be seen`);
  return text;
}

function readDuration(text: string | undefined, pointer: string): DurationMs | undefined {
  if (text === undefined) return undefined;
  const length = parseDuration(text);
  if (length === undefined) throw new AppError("invalid_argument", `${pointer} is not between 1s and 10000h`);
  return length;
}

function readTime(text: string | undefined, pointer: string): Instant | undefined {
  if (text === undefined) return undefined;
  try {
    return parseRfc3339(text);
  } catch (cause) {
    throw new AppError("invalid_argument", `${pointer} is not an RFC 3339 time with a zone`, { cause });
  }
}
