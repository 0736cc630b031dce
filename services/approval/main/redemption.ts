/** Constructs the port where decision services redeem: who may, what is taken anew at a reload, and what grpc.health says there. */
import { systemClock } from "../../../platform/clock.ts";
import type { Certificates } from "../../../platform/config/certificates.ts";
import { fromFiles, onAddress } from "../../../platform/lifecycle/cannot-start.ts";
import type { Running } from "../../../platform/lifecycle/run-program.ts";
import type { Together } from "../../../platform/lifecycle/together.ts";
import { ping } from "../../../platform/postgres/ping.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import type { ApprovalConfig } from "../config.ts";
import { followDatabase } from "../grpc/redemption-health.ts";
import { type RedemptionServerDeps, startRedemptionServer } from "../grpc/redemption-server.ts";

const RELOADED = ["certPath", "keyPath", "clientCaPath", "serviceToken"].map((name) => `redemption.${name}`);

type Deps = Pick<Running<ApprovalConfig>, "log" | "metrics" | "lifecycle" | "reload"> & {
  readonly redeem: RedemptionServerDeps["redeem"];
  readonly database: Pick<Database, "query">;
  readonly listeners: Pick<Together, "own">;
  readonly pems: Certificates;
};

/** Resolves with where it listens. @throws CannotStart */
export async function startRedemption(
  { redeem, database, listeners, pems, log, metrics, lifecycle, reload }: Deps,
  { redemption, drainMs }: Pick<ApprovalConfig, "redemption" | "drainMs">,
): Promise<string> {
  const { host, port } = redemption;
  const tls = await fromFiles("redemption.certPath", "a certificate with its key and authority (PEM)", () =>
    pems.server("redemption", redemption),
  );
  let { serviceToken } = redemption;
  const server = listeners.own(
    await onAddress("redemption", redemption, () =>
      startRedemptionServer(
        { redeem, log, metrics, monotonicMs: systemClock.monotonicMs },
        { host, port, tls, serviceToken: () => serviceToken, drainMs },
      ),
    ),
  );
  reload.part("redemption_tls", RELOADED, async (again) => {
    server.replaceCertificates(await pems.server("redemption", again.redemption));
    ({ serviceToken } = again.redemption);
  });
  void followDatabase({ ask: () => ping(database), say: server.serving, signal: lifecycle.signal });
  return `${host}:${server.port}`;
}
