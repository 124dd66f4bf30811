// Entry point of the package: the engine for Node programs.
export { Core, type CoreOptions } from './core/core.ts';
export { loadCoreModule } from './core/load.node.ts';
export { type ClientOutput, CoreCrash, Engine, EngineClient } from './engine.ts';
