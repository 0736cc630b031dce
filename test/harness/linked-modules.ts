/** Sees each module that is linked into an instance from now on, in order; `restore` ends that. */
export function linkedModules(): { readonly modules: readonly WebAssembly.Module[]; restore(): void } {
  const { Instance } = WebAssembly;
  const modules: WebAssembly.Module[] = [];
  WebAssembly.Instance = new Proxy(Instance, {
    construct(target, [module, imports]: [WebAssembly.Module, WebAssembly.Imports]) {
      modules.push(module);
      return new target(module, imports);
    },
  });
  return {
    modules,
    restore() {
      WebAssembly.Instance = Instance;
    },
  };
}
