/** All commands, in the order of the help text. */
import { SETTING_NAMES } from '../config/settings.ts';
import type { Command } from './command.ts';
// The one command that every host waits for: a file of its own would cost it time.
import { run as serve } from './serve.ts';

export const COMMANDS: readonly Command[] = [
  {
    name: 'serve',
    summary: 'MCP server on stdio (the default)',
    flags: [{ name: 'sandbox', help: 'Use the built-in sandbox: no key needed, test pictures, no real credits.' }],
    settings: SETTING_NAMES,
    load: async () => ({ run: serve }),
  },
  {
    name: 'demo',
    summary: 'one sandbox picture through a real MCP client, with a progress bar; needs no key',
    flags: [{ name: 'prompt', value: 'TEXT', help: 'What the picture shows.' }],
    settings: ['outputDir', 'logLevel'],
    load: () => import('./demo.ts'),
  },
  {
    name: 'sandbox',
    summary: 'the emulated service alone, over HTTP; the first line on stdout is JSON with url and key',
    flags: [
      { name: 'port', value: 'N', help: 'Port on 127.0.0.1, 0 to 65535; 0 takes a free one. Default 0.' },
      { name: 'plan', value: 'NAME', help: 'Plan whose limits apply: free, starter, pro, enterprise. Default pro.' },
      { name: 'job-seconds', value: 'N', help: 'How long a picture takes, 0 to 3600 seconds. Default 4.' },
    ],
    settings: [],
    load: () => import('./sandbox.ts'),
  },
];
