/** The arguments for which a function of OPA's runtime is known to answer as OPA does. The function that looks is added to a module when it is first wanted. */
import type { Functions } from "./binary/functions.ts";
import { BinaryFault } from "./binary/leb128.ts";
import { askingWhetherPlainNetwork } from "./plain-networks.ts";
import { askingWhetherScalarParts } from "./scalar-parts.ts";
import { askingWhetherWhole, askingWhetherWholes } from "./whole-numbers.ts";

export type Plain =
  /** Short integers; so has to be the answer. */
  | "whole"
  /** The same of what a collection holds, and of its answer. */
  | "wholes"
  /** Addresses or networks of IPv4 as they are mostly written. */
  | "IPv4"
  /** Of `$"…"`: parts without collections. */
  | "scalar parts";

/** Indices of functions that take a value and give 1 or 0. */
type Questions = { readonly ofArgument: number; readonly ofAnswer?: number };
export type PlainQuestions = (plain: Plain) => Questions;

/** `typeOf`: the runtime's function that says what a value is. The questions throw BinaryFault where there is none. */
export function plainQuestions(functions: Functions, typeOf: number | undefined): PlainQuestions {
  const known = new Map<Plain, Questions>();

  function asked(plain: Plain): Questions {
    if (typeOf === undefined) throw new BinaryFault("it does not say of what type a value is");
    switch (plain) {
      case "whole": {
        const isWhole = functions.append(typeOf, askingWhetherWhole(typeOf));
        return { ofArgument: isWhole, ofAnswer: isWhole };
      }
      case "wholes": {
        const { ofArgument: isWhole } = questions("whole");
        return { ofArgument: functions.append(typeOf, askingWhetherWholes(isWhole)), ofAnswer: isWhole };
      }
      case "IPv4":
        return { ofArgument: functions.append(typeOf, askingWhetherPlainNetwork(typeOf)) };
      case "scalar parts":
        return { ofArgument: functions.append(typeOf, askingWhetherScalarParts()) };
    }
  }

  function questions(plain: Plain): Questions {
    const found = known.get(plain) ?? asked(plain);
    known.set(plain, found);
    return found;
  }

  return questions;
}
