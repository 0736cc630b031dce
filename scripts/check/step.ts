/**
 * One step of `npm run check`. A step says what is wrong in lines that a person can act on, and never throws for what it
 * looks for.
 */

export type StepOutcome =
  | { readonly kind: "good" }
  | { readonly kind: "bad"; readonly message: string }
  /** Something the step needs is not on this machine; `message` says how to get it. A failure with CI=true. */
  | { readonly kind: "skipped"; readonly message: string };

export type Step = {
  readonly name: string;
  /** It reads nothing that another step writes, and runs beside them. */
  readonly isApart?: boolean;
  run(): Promise<StepOutcome>;
};
