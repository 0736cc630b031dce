/**
 * The name of a header with everything that is neither letter nor digit written as `-`: how a CGI-like upstream would read it, for which
 * `countersign.subject` and `countersign-subject` are one variable.
 */
export function foldedName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "-");
}
