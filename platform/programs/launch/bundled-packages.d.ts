import type { ResolveFnOutput } from "node:module";

export const CACHE: string;
export const INDEX: string;
export function bundleFolder(): string | undefined;
export function findBundledPackages(): ReadonlyMap<string, ResolveFnOutput> | undefined;
