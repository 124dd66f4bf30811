// The worker that owns a store's files for a page: its name is the name of the store.

import { openOpfs } from './opfs_backend.ts';
import { type Port, serveBackend } from './port_backend.ts';

void serveBackend(self as unknown as Port, () => openOpfs(self.name));
