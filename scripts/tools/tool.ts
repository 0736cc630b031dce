/**
 * What a fetched tool is to this repository. One recipe per tool says which versions serve, how to recognise one that is
 * already on the machine, and how to fetch the pinned one with a package manager that checks what it downloads.
 */

export const toolNames = ["opa", "envoy", "kafka", "schemathesis"] as const;
export type ToolName = (typeof toolNames)[number];

/** `location` is the executable, or for Kafka the folder of jars (`java -cp "location/*"`). */
export type FoundTool = {
  readonly kind: "found";
  readonly name: ToolName;
  readonly version: string;
  readonly location: string;
  /** Where it came from, for people: "PATH", ".tools" or "fetched by go install …". */
  readonly source: string;
};

/** `reason` is one line; `help` says what to install or run, one line as well. */
export type MissingTool = {
  readonly kind: "missing";
  readonly name: ToolName;
  readonly reason: string;
  readonly help: string;
};

/** Receives progress, one line each, without line end. */
export type Say = (line: string) => void;

export type ToolRecipe = {
  readonly name: ToolName;
  /** For people: "1.40.0 (1.38.4 or newer serves)". */
  readonly wanted: string;
  readonly help: string;
  /** Folder or file below `.tools/` that a fetch puts in place by one rename. */
  readonly target: string;
  /** Candidates on this machine outside `.tools/`, as locations; empty when there are none. */
  onPath(): Promise<readonly string[]>;
  /** From the renamed target to the location. */
  locate(target: string): string;
  /** The version of what lies there, or undefined when it does not run or is nothing of the kind. */
  versionOf(location: string): Promise<string | undefined>;
  serves(version: string): boolean;
  /** Fetches into the empty folder `scratch` and returns the path inside it to rename to `target`. Throws with the reason. */
  fetch(scratch: string, say: Say): Promise<string>;
  /** How `fetch` does it: "go install github.com/…". */
  readonly fetchedBy: string;
};
