/** The section `development`: what a decision service shows to policy authors, where it serves nobody else. */
import { type Static, Type } from "typebox";

export const DevelopmentSchema = Type.Object(
  {
    keepInputs: Type.Integer({
      minimum: 0,
      maximum: 1_000,
      default: 0,
      description:
        "How many of the last policy inputs the operators' port shows at /v1/inputs, including credentials and bodies. Loopback only.",
    }),
  },
  { additionalProperties: false },
);

/** NB: inputs hold what requests held, so there may be nobody's but one's own, and nobody else to read them. */
export function developmentFaults(
  { keepInputs }: Static<typeof DevelopmentSchema>,
  { isLoopback }: { readonly isLoopback: boolean },
  key: string,
): readonly { readonly key: string; readonly variable: undefined; readonly problem: string }[] {
  if (keepInputs === 0 || isLoopback) return [];
  const problem = "keeps credentials and bodies, and listen.host or ops.host is not loopback; it is for one machine";
  return [{ key: `${key}.keepInputs`, variable: undefined, problem }];
}
