/** An esbuild plugin that bundles of undici only what is used: its dispatchers, without fetch, WebSocket, caches, mocks. */

/** The parts, as undici's own index.js puts them together. */
const PARTS = `
  import Agent from 'undici/lib/dispatcher/agent.js';
  import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
  import request from 'undici/lib/api/api-request.js';
  Dispatcher.prototype.request = request;
  export { Agent };
`;

export const leanUndici = (root) => ({
  name: 'lean-undici',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^undici$/ }, ({ path }) => ({ path, namespace: 'lean-undici' }));
    onLoad({ filter: /.*/, namespace: 'lean-undici' }, () => ({ contents: PARTS, resolveDir: root }));
  },
});
