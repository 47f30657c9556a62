/** All commands, in the order of the help text. */
import { SETTING_NAMES } from '../config/settings.ts';
import type { Command } from './command.ts';
// The one command that every host waits for: a file of its own would cost it time.
import { run as serve } from './serve.ts';
import { NOT_FOR_JOBS } from './settings.ts';

/** The arguments of the tools that order, which check and describe them. */
const GENERATE_FLAGS =
  'aspect-ratio=RATIO size=NAME width=N height=N file-name=NAME style=TEXT flux-version=NAME quality=NAME allow-duplicate wait-seconds=N max-credits=N'
    .split(' ')
    .map((flag) => flag.split('='));

export const DEFAULT_COMMAND: Command = {
  name: 'serve',
  summary: 'MCP server on stdio (the default)',
  flags: [{ name: 'sandbox', help: 'Use the built-in sandbox: no key needed, test pictures, no real credits.' }],
  settings: SETTING_NAMES,
  load: async () => ({ run: serve }),
};

export const COMMANDS: readonly Command[] = [
  DEFAULT_COMMAND,
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
      { name: 'port', value: 'N', help: 'Port on 127.0.0.1, 0 to 65535; 0 takes a free one. Default: 0.' },
      { name: 'plan', value: 'NAME', help: 'Plan whose limits apply: free, starter, pro, enterprise. Default: pro.' },
      { name: 'job-seconds', value: 'N', help: 'How long a picture takes, 0 to 3600 seconds. Default: 4.' },
      {
        name: 'scenario',
        value: 'NAME',
        repeatable: true,
        help: 'A fault or a difference; sandbox --help lists the names.',
      },
      { name: 'seed', value: 'TEXT', help: 'Seed for all but the key and the webhook secret. Default: a random one.' },
    ],
    settings: [],
    details: async () => (await import('./sandbox.ts')).scenarioHelp(),
    load: () => import('./sandbox.ts'),
  },
  {
    name: 'generate',
    summary: 'pictures from the shell; shows the progress on stderr, and a line for each picture on stdout',
    positionals: [{ name: 'PROMPT', repeatable: true, help: 'What a picture shows; each prompt is one picture.' }],
    flags: [
      { name: 'from', value: 'FILE', help: 'Text, a prompt a line, or CSV with arguments as columns; - is stdin.' },
      ...GENERATE_FLAGS.map(([name = '', value]) => ({ name, ...(value !== undefined && { value }) })),
      { name: 'json', help: 'Print the result object of the tools on stdout, and nothing else there.' },
      { name: 'sandbox', help: 'Use the sandbox that is built in: no key needed, test pictures, no real credits.' },
    ],
    flagWords: async () => (await import('./generate.ts')).flagWords,
    details: async () => (await import('./generate.ts')).details,
    settings: SETTING_NAMES.filter((name) => !NOT_FOR_JOBS.includes(name)),
    load: () => import('./generate.ts'),
  },
  {
    name: 'jobs',
    summary: 'the pictures ordered with this key, as recorded; only resume uses the network',
    positionals: [
      {
        name: 'ACTION',
        words: ['list', 'show', 'resume', 'cancel', 'adopt', 'purge'],
        help:
          'list (the default): the jobs, newest first. show ID: one of them, and what can be done about it. resume: ' +
          'continues every unfinished job and orders nothing new. cancel ID: cancels an order that has not been sent. ' +
          'adopt: takes over the unfinished jobs of an earlier key. purge: removes jobs that ended long ago, after asking.',
      },
      { name: 'ID', help: 'The id of a job, ours or the one that Doitong gave it.' },
    ],
    flags: [
      { name: 'limit', value: 'N', help: 'list: how many jobs at most, 1 to 1000. Default: 20.' },
      {
        name: 'status',
        value: 'NAME',
        // Written out: where the names are defined there is more than the start of a server should load.
        help: 'list: only jobs of this status: queued, submitting, processing, completed, failed, unknown.',
      },
      { name: 'json', help: 'list and show: print the job objects that the tools return, as JSON on stdout.' },
      { name: 'wait-seconds', value: 'N', help: 'resume: how long to wait for them, 0 to 3600. Default: 120.' },
      { name: 'older-than', value: 'DAYS', help: 'purge: how many days ago they must have ended, 8 to 36500.' },
      { name: 'pictures', help: 'purge: removes their saved pictures as well.' },
      { name: 'dry-run', help: 'purge: shows what would be removed, and removes nothing.' },
      { name: 'yes', help: 'purge: removes without asking, for scripts.' },
    ],
    settings: SETTING_NAMES.filter((name) => !NOT_FOR_JOBS.includes(name)),
    load: () => import('./jobs.ts'),
  },
  {
    name: 'spend',
    summary: 'credits and pictures by day or month, from the records of this key, without the network',
    flags: [
      { name: 'by', value: 'PERIOD', help: 'What each line is about: day or month (UTC). Default: day.' },
      { name: 'csv', help: 'Prints CSV for a spreadsheet; a sum of which no part is known is empty.' },
    ],
    settings: SETTING_NAMES.filter((name) => !NOT_FOR_JOBS.includes(name)),
    load: () => import('./spend.ts'),
  },
  {
    name: 'doctor',
    summary:
      'checks everything that a generation needs and names the remedy for each problem; exit 1 if anything would stop one; spends nothing',
    flags: [{ name: 'json', help: 'Prints the findings on stdout as a JSON array of {check, status, found, remedy}.' }],
    settings: SETTING_NAMES,
    load: () => import('./doctor.ts'),
  },
];
