import type { ResolveFnOutput } from "node:module";

export declare function programFolder(main: string): string;
export declare function stampOf(file: string): string;
export declare function findBundledProgram(
  main: string,
): { readonly source: string; readonly folder: string; readonly bundle: ResolveFnOutput } | undefined;
