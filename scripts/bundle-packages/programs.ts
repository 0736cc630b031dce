/** The programs that `npm start` runs, itself first: what they are made of is bundled. From the root. */
export const PROGRAMS = [
  "sample/start.ts",
  "services/decision/main.ts",
  "services/approval/main.ts",
  "enforcers/node/main.ts",
  "sample/orders-api/main.ts",
  "sample/token-issuer/main.ts",
] as const;
