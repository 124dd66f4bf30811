// The worker that owns a store's files for a page. The first message is the name of the store.

import { openOpfs } from './opfs_backend.ts';
import { type Port, serveBackend } from './port_backend.ts';

const port = self as unknown as Port;
port.onmessage = ({ data: store }: MessageEvent<string>) => {
  void serveBackend(port, () => openOpfs(store));
};
