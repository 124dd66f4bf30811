// Entry point of the package for Node programs: the store, and the engine beneath it.
export { Core, type CoreOptions } from './core/core.ts';
export { loadCoreModule } from './core/load.node.ts';
export * from './embedded/index.ts';
export { type ClientOutput, CoreCrash, Engine, EngineClient } from './engine.ts';
export type { IoredisConnector } from './node/connectors/ioredis.ts';
export type { NodeRedisOptions } from './node/connectors/node_redis.ts';
export type { ListenOptions, OpenOptions } from './node/open_options.ts';
export { Respite } from './node/respite.ts';
