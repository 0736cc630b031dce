/**
 * Preloaded into a decision service that is measured beside one with a preload, and does nothing: a program that something else is loaded into
 * runs from its sources in place of its bundle (platform/programs/launch/quick-start.js), and what is compared has to be the same code.
 */
export {};
