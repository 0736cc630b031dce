/**
 * Preloaded into a decision service that is measured beside one with a preload (without-decision-log.ts), and changes nothing: a program into which
 * something else is loaded runs from its sources in place of its bundle (platform/programs/launch/quick-start.js), and both have to run the same code.
 */
import { registerHooks } from "node:module";

registerHooks({ resolve: (specifier, context, next) => next(specifier, context) });
