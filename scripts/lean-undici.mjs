/**
 * An esbuild plugin that bundles of undici only what is used: its dispatchers, without fetch, WebSocket, caches, mocks;
 * and without Node's `assert`. undici asserts what a server sent, and for a message Node 20 parses the source around the
 * call: a bundle's single line keeps the process deaf for ten seconds and more.
 */

/** The parts, as undici's own index.js puts them together. */
const PARTS = `
  import Agent from 'undici/lib/dispatcher/agent.js';
  import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
  import request from 'undici/lib/api/api-request.js';
  Dispatcher.prototype.request = request;
  export { Agent };
`;

const ASSERT = `
  module.exports = (value, message) => {
    if (value) return;
    if (message instanceof Error) throw message;
    throw Object.assign(new Error(message ?? 'An assertion of undici failed.'), { code: 'ERR_ASSERTION' });
  };
`;

export const leanUndici = (root) => ({
  name: 'lean-undici',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^undici$/ }, ({ path }) => ({ path, namespace: 'lean-undici' }));
    onResolve({ filter: /^(?:node:)?assert$/ }, ({ path, importer }) =>
      /[\\/]node_modules[\\/]undici[\\/]/.test(importer) ? { path, namespace: 'lean-assert' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'lean-undici' }, () => ({ contents: PARTS, resolveDir: root }));
    onLoad({ filter: /.*/, namespace: 'lean-assert' }, () => ({ contents: ASSERT }));
  },
});
