/**
 * Which rule of a policy was running, from the stack of an error: the compiler names the function of each rule after its
 * path (`g0.data.countersign.policies.orders.deny`) and V8 shows the names of a module's name section. For people who look
 * for the rule; nothing is decided by it, since a module may have been stripped of its names.
 */

const RULE_FRAME = /\bg\d+\.data\.([^\s()]+)/;

/** The innermost rule, without `data.`; undefined when no frame names one. */
export function ruleIn(stack: string | undefined): string | undefined {
  return RULE_FRAME.exec(stack ?? "")?.[1];
}

/** Deep enough for the runtime's own recursion between a rule and the built-in that it calls. */
const FRAMES = 64;

/** The rule that called into the host just now. Costs some microseconds. */
export function callingRule(): string | undefined {
  const usual = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  try {
    return ruleIn(new Error("where").stack);
  } finally {
    Error.stackTraceLimit = usual;
  }
}
