// The limits of clients as the configuration has them.

import type { Config } from '../config/config.ts';
import type { ClientType } from './client.ts';
import type { ClientSettings, OutputBufferLimit } from './clients.ts';

/** The limits of clients, read from the configuration each time. */
export class ClientDirectives implements ClientSettings {
  private readonly config: Config;

  constructor(config: Config) {
    this.config = config;
  }

  get maxClients(): number {
    return this.config.get('maxclients');
  }

  get timeoutSeconds(): number {
    return this.config.get('timeout');
  }

  get protectedMode(): boolean {
    return this.config.get('protected-mode');
  }

  outputBufferLimit(type: Exclude<ClientType, 'master'>): OutputBufferLimit {
    const limit = this.config.get('client-output-buffer-limit')[
      type === 'replica' ? 'slave' : type
    ];
    return {
      hardBytes: Number(limit.hardBytes),
      softBytes: Number(limit.softBytes),
      softSeconds: limit.softSeconds,
    };
  }
}
