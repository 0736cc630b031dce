/** What every benchmark is given, so that one can be run long for figures and short to see that it works. */
import type { Cores } from "./cores.ts";
import type { Section } from "./page.ts";

/** What was asked for on the command line; each benchmark has its own of what is left out. */
export type Asked = {
  readonly rounds: number | undefined;
  /** Of one measurement. */
  readonly seconds: number | undefined;
  /** Of a soak. */
  readonly minutes: number | undefined;
  /** Of repetitions of what is no load. */
  readonly repeats: number | undefined;
  /** The one part of it that is to be measured; undefined: all. */
  readonly part: string | undefined;
};

/** Whether a part is to be measured. */
export const isAsked = ({ part }: Pick<Asked, "part">, name: string): boolean => part === undefined || part === name;

/** Says how far it is. */
export type Progress = (line: string) => void;

export type Rig = { readonly cores: Cores; readonly progress: Progress };

export type Bench = (asked: Asked, rig: Rig) => Promise<Section>;
