const PAGE_BYTES = 65_536;

// The types that Node's own definitions leave to those of browsers.
declare const WebAssembly: {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
  readonly validate: (bytes: Uint8Array) => boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

export interface Wasm<Exports> {
  /** At least as many bytes as were asked for. */
  readonly memory: ArrayBuffer;
  /** Undefined on a processor without SSE4.1, as virtual machines have by old defaults (kvm64). */
  readonly exports: Exports | undefined;
}

/** A module of `scripts/gen-wasm` with memory of its own. @param code in base64 @param bytes of memory that it needs */
export function loadWasm<Exports>(code: string, bytes: number): Wasm<Exports> {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const module = Buffer.from(code, 'base64');
  if (!WebAssembly.validate(module)) return { memory: memory.buffer, exports: undefined };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module), { host: { memory } });
  return { memory: memory.buffer, exports: instance.exports as Exports };
}
