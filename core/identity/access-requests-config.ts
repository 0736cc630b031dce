/** Section `accessRequests` of the approval service's configuration: the Access Request profile of AuthZEN. */
import { type Static, Type } from "typebox";
import type { ConfigFault } from "../../platform/config/fault.ts";
import { Text } from "../../platform/config/fields.ts";
import { BASE_URL, isBaseUrl } from "./base-url.ts";

export const AccessRequestsSchema = Type.Object(
  {
    endpoint: Text(
      "URL at which enforcers reach POST /access/v1/requests of this service: https, the same as `api.accessRequestEndpoint` of the decision services.",
    ),
    decisionPoints: Type.Array(Text("`api.baseUrl` of decision services."), {
      description: "Identifiers (`api.baseUrl`) of the decision services whose binding tokens are accepted.",
    }),
  },
  { additionalProperties: false },
);

export function accessRequestFaults(section: Static<typeof AccessRequestsSchema> | undefined): readonly ConfigFault[] {
  if (section === undefined) return [];
  const faults: ConfigFault[] = [];
  const fault = (key: string, problem: string) =>
    faults.push({ key: `accessRequests.${key}`, variable: undefined, problem });
  const { endpoint, decisionPoints } = section;
  if (!isBaseUrl(endpoint)) fault("endpoint", BASE_URL);
  decisionPoints.forEach((one, at) => {
    if (!isBaseUrl(one)) fault(`decisionPoints.${at}`, `is no api.baseUrl, which ${BASE_URL}`);
  });
  if (decisionPoints.length === 0) {
    fault("decisionPoints", "is empty, so no binding token would count; name the decision services");
  }
  return faults;
}
