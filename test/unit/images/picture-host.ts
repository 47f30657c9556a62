/** A host of pictures on this machine that answers as a test says and remembers what it was asked. */
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export type PictureHost = {
  origin: string;
  /** Path and headers of every request, oldest first. */
  requests: { path: string; headers: IncomingHttpHeaders }[];
  answer: (listener: RequestListener) => void;
  close: () => Promise<void>;
};

export async function startPictureHost(): Promise<PictureHost> {
  let listener: RequestListener = (_request, response) => void response.writeHead(404).end();
  const requests: PictureHost['requests'] = [];
  const server = createServer((request, response) => {
    requests.push({ path: request.url ?? '', headers: request.headers });
    listener(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (next) => {
      listener = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
