/**
 * Preloaded into a decision service that is measured: it has no decision log and is otherwise as it is. The service runs through its own
 * main.ts and has no switch for this, since nobody should run it so.
 */
import { registerHooks } from "node:module";

const REAL = new URL("../../../services/decision/decision-log/decision-log.ts", import.meta.url).href;
const STAND_IN = new URL("./no-decision-log.ts", import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    return found.url === REAL && context.parentURL !== STAND_IN ? { ...found, url: STAND_IN } : found;
  },
});
