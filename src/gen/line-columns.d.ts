// Made by scripts/gen-wasm from src/store/line-columns.wat.
/** A WebAssembly module, in base64. */
export declare const LINE_COLUMNS: string;
