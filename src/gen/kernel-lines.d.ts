// Made by scripts/gen-wasm from src/sinks/kernel-lines.wat.
/** A WebAssembly module, in base64. */
export declare const KERNEL_LINES: string;
