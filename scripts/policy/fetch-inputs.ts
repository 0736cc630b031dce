/** Asks the operators' address of a decision service for the inputs that it keeps (`development.keepInputs`). */
import { AppError } from "../../core/domain/app-error.ts";

export const OPS_URL = "http://127.0.0.1:9192";

/** One record on each line, oldest first. @throws AppError unavailable or invalid_argument, with what to do */
export async function fetchInputs(ops: string, decision: string | undefined): Promise<string> {
  const url = new URL("/v1/inputs", ops);
  if (decision !== undefined) url.searchParams.set("decision_id", decision);
  const response = await fetch(url).catch((error: unknown) => {
    throw new AppError("unavailable", `nothing answers at ${ops}; name the decision service's ops address with --ops`, {
      cause: error,
    });
  });
  if (response.status === 404) {
    await response.body?.cancel();
    throw new AppError("invalid_argument", await whyNot(ops, decision));
  }
  if (!response.ok) throw new AppError("unavailable", `${url.href} answers ${response.status}`);
  return response.text();
}

async function whyNot(ops: string, decision: string | undefined): Promise<string> {
  const keeps = decision !== undefined && (await fetch(new URL("/v1/inputs", ops))).ok;
  return keeps
    ? `the input of ${decision} is not kept (any more)`
    : "this service keeps no inputs; set development.keepInputs in its configuration";
}
