/**
 * The approval service as a process: SIGHUP is handled first, then the service's modules are loaded. NB: they are loaded by `import()`, because a
 * static import would load them all, which is most of the time of a start, before anything here runs.
 */
import "../../platform/lifecycle/early-hang-up.ts";

const { runService } = await import("./main/run-service.ts");
process.exit(await runService());
