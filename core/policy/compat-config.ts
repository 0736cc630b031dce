/** The section `policy.compat` of a configuration: an opa-envoy-plugin policy instead of packages of ours. */
import { type Static, Type } from "typebox";
import type { ConfigFault } from "../../platform/config/fault.ts";
import { closed, Path } from "../../platform/config/fields.ts";
import { FilePath } from "../../platform/config/files.ts";

export const CompatSchema = Type.Object(
  {
    path: Path(
      "Compatibility mode: the path of an opa-envoy-plugin policy, such as envoy/authz/allow. The bundle is then what `opa build -t wasm -e` of this path wrote, and nothing can be approved.",
    ),
    skipRequestBodyParse: Type.Boolean({
      default: false,
      description: "Leave parsed_body and truncated_body out of the input.",
    }),
    protoDescriptorPath: FilePath("FileDescriptorSet, including imports, for parsing gRPC bodies."),
    onError: Type.Union([Type.Literal("deny"), Type.Literal("grpc_error")], {
      default: "deny",
      description:
        "Answer to a policy that fails. grpc_error is the plugin's behaviour and needs unsafe: an enforcer may take it for an allow.",
    }),
    dryRun: Type.Boolean({
      default: false,
      description: "Allow what the policy denies, and only record it. Needs unsafe.",
    }),
    unsafe: Type.Boolean({
      default: false,
      description: "Permits onError grpc_error and dryRun. Logged at start, and shown as a metric and in /readyz.",
    }),
  },
  closed,
);

type CompatConfig = Static<typeof CompatSchema>;

export function compatFaults(compat: CompatConfig, section: string): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  const fault = (key: string, problem: string) =>
    faults.push({ key: `${section}.${key}`, variable: undefined, problem });
  const { path, onError, dryRun, unsafe, skipRequestBodyParse, protoDescriptorPath } = compat;
  if (onError === "grpc_error" && !unsafe) {
    fault("onError", `is grpc_error, which an enforcer may take for an allow; set ${section}.unsafe to accept that`);
  }
  if (dryRun && !unsafe) fault("dryRun", `allows what the policy denies; set ${section}.unsafe to accept that`);
  const isSet = onError !== "deny" || dryRun || unsafe || skipRequestBodyParse || protoDescriptorPath !== undefined;
  if (path === undefined && isSet) fault("path", "is missing, so the other settings of this section would do nothing");
  return [...faults, ...pathFaults(path, `${section}.path`)];
}

/** Of the path of a policy. */
export function pathFaults(path: string | undefined, key: string): readonly ConfigFault[] {
  if (path?.split("/").every((part) => part === "") !== true) return [];
  return [
    { key, variable: undefined, problem: "names no rule; give it as the plugin had it, such as envoy/authz/allow" },
  ];
}
