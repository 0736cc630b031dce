import type { ResolveFnOutput } from "node:module";

export declare const ROOT: string;
export declare const CACHE: string;
export declare const INDEX: string;
export declare function isCacheOurs(): boolean;
export declare function bundleFolder(): string | undefined;
export declare function findBundledPackages(): ReadonlyMap<string, ResolveFnOutput> | undefined;
