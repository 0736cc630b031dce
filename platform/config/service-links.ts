/**
 * The variables that Kubernetes puts into every pod for each Service of its namespace. Of a Service named `countersign-approval` they begin as ours
 * do (`COUNTERSIGN_APPROVAL_SERVICE_HOST`, `COUNTERSIGN_APPROVAL_PORT_9200_TCP`), and one named `countersign-redemption` sets a key of ours
 * (`COUNTERSIGN_REDEMPTION_PORT=tcp://10.0.0.7:9201`). NB: they stay faults, since what looks like one of ours and is passed over is a misspelt setting.
 */
const NAME = /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/;
const VALUE = /^(?:tcp|udp|sctp):\/\//;

/** What is added to a fault of such a variable; of any other, nothing. */
export function serviceLinkAdvice(variable: string, value: string | undefined): string {
  return NAME.test(variable) || VALUE.test(value ?? "")
    ? " (set by Kubernetes for a Service; set enableServiceLinks: false for the pod)"
    : "";
}
