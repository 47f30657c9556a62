/** The server that the demo talks to, played: each request gets what PLAYED has for its method, a call its progress first. */
import { createInterface } from 'node:readline';

const { progress, results } = JSON.parse(process.env.PLAYED ?? '{}');
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
let called;

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  const progressToken = params?._meta?.progressToken;
  if (progressToken !== undefined) {
    called = { id, result: results[method] };
    for (const one of progress) send({ method: 'notifications/progress', params: { progressToken, total: 1, ...one } });
    // A client drops the progress that it reads together with the result: it has to answer first.
    send({ id: 'progress-read', method: 'ping' });
  } else if (method === undefined) send(called);
  else if (id !== undefined) send({ id, result: results[method] });
}
