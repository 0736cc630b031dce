/** Writes everything that makes a start quick: packages, and what programs are made of. `npm start` runs it when something is missing. */
await import("./bundle-packages.ts");
await import("./bundle-programs.ts");
