// Modules that the build makes for the bundle in one file: see src/build/browser.mjs.

/** The core module in base64. */
declare module 'respite:wasm' {
  const text: string;
  export default text;
}

/** The worker's program, as a script that is no module. */
declare module 'respite:worker' {
  const text: string;
  export default text;
}

/** The program that owns files, as a script that is no module. */
declare module 'respite:files_worker' {
  const text: string;
  export default text;
}
