/**
 * The approval service as a process: SIGHUP is heard first, then everything is loaded that it is made of. NB: the second by `import()`, since what is
 * imported by a statement is loaded whole, nearly all of the time that a start takes, before anything of it runs.
 */
import "../../platform/lifecycle/early-hang-up.ts";

const { runService } = await import("./main/run-service.ts");
process.exit(await runService());
