// The worker that owns a store's files for a page.

import { openOpfs } from './opfs_backend.ts';
import { type FilesWorkerStart, type Port, serveBackend, showAlive } from './port_backend.ts';

const port = self as unknown as Port;
port.onmessage = ({ data: { store, lock } }: MessageEvent<FilesWorkerStart>) => {
  showAlive(port, lock);
  void serveBackend(port, () => openOpfs(store));
};
