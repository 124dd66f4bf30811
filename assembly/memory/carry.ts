// The module's variables as bytes in linear memory, so that the host can make a copy of the engine: with the
// bytes of linear memory and these another instance of the module goes on where this one is.
//
// AssemblyScript keeps top-level variables in WebAssembly globals, out of the host's reach. The build appends
// to the module (src/build/carry_globals.mjs)
//
//   carryGlobals(at, restoring):
//     carryStart(at, restoring)
//     g0 = carryI32(g0), g1 = carryF64(g1) ...      every global that can change, in their order
//
// which writes them to `at`, 8 bytes each, or reads them from there. They are not exported in place of that,
// because some engines reach a global that the host might change by way of a pointer, at every access.
//
// Its own state is no variable but lies in linear memory, since it must not be carried half-way.

const AT: usize = 0; // u32
const RESTORING: usize = 4; // u32
const state: usize = memory.data(8, 8);

/** Begins at the first global; the bytes at `at` are to be read (`restoring`) or written. */
export function carryStart(at: usize, restoring: bool): void {
  store<u32>(state, <u32>at, AT);
  store<u32>(state, <u32>restoring, RESTORING);
}

/** The place of the next global. */
function place(): usize {
  const at: usize = load<u32>(state, AT);
  store<u32>(state, <u32>(at + 8), AT);
  return at;
}

/** The value that a global has from here on. */
export function carryI32(value: i32): i32 {
  const at = place();
  if (load<u32>(state, RESTORING)) return load<i32>(at);
  store<i32>(at, value);
  return value;
}

export function carryI64(value: i64): i64 {
  const at = place();
  if (load<u32>(state, RESTORING)) return load<i64>(at);
  store<i64>(at, value);
  return value;
}

export function carryF64(value: f64): f64 {
  const at = place();
  if (load<u32>(state, RESTORING)) return load<f64>(at);
  store<f64>(at, value);
  return value;
}
