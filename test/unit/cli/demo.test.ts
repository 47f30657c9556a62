/** Proves that the demo's server is given no key, no settings of the real service, and no folder of the user's state. */
import { describe, expect, it } from 'vitest';
import { serverCommand } from '../../../src/cli/demo.ts';

describe('serverCommand', () => {
  const env = {
    PATH: '/bin',
    DOITONG_API_KEY: 'dt_live_12345678',
    DOITONG_PLAN: 'free',
    FLUX_RESULT: 'text',
    FLUX_STATE_DIR: '/home/user/state',
    UNSET: undefined,
  };

  it('starts this very program as a sandbox server', () => {
    const server = serverCommand({ words: [], lists: {}, flags: {}, env, program: '/dist/main.js' }, '/tmp/demo');
    expect(server.command).toBe(process.execPath);
    expect(server.args).toEqual(['/dist/main.js', 'serve', '--sandbox', '--result', 'auto']);
  });

  it('passes the environment on, without anything of the real service', () => {
    const server = serverCommand({ words: [], lists: {}, flags: {}, env, program: '/dist/main.js' }, '/tmp/demo');
    expect(server.env).toEqual({ PATH: '/bin', FLUX_RESULT: 'text', FLUX_STATE_DIR: '/tmp/demo' });
  });

  it('passes on where pictures go and how much is logged', () => {
    const flags = { 'output-dir': '/pictures', 'log-level': 'debug' };
    const server = serverCommand({ words: [], lists: {}, flags, env: {}, program: 'm.js' }, '/tmp/demo');
    expect(server.args.slice(-4)).toEqual(['--output-dir', '/pictures', '--log-level', 'debug']);
  });
});
