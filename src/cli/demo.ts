/** `demo`: the main job from end to end, against the sandbox, as an agent would live it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Arguments } from './command.ts';
import { connectDemoClient, type ServerCommand } from './demo-client.ts';
import { DEMO_PROMPT, playStory } from './demo-story.ts';
import { NOT_FOR_SANDBOX, settingsOf } from './settings.ts';

export async function run(args: Arguments): Promise<number> {
  const config = await settingsOf(args, NOT_FOR_SANDBOX);
  // Apart from its picture the demo leaves nothing behind.
  const stateDir = await mkdtemp(join(tmpdir(), 'flux-pro-demo-'));
  try {
    const client = await connectDemoClient(serverCommand(args, config.outputDir, stateDir));
    try {
      return await playStory(client, args.flags.prompt ?? DEMO_PROMPT, process.stdout);
    } finally {
      await client.close();
    }
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** This very program as a sandbox server; it is given no key, since it needs none. */
export function serverCommand(args: Arguments, outputDir: string | undefined, stateDir: string): ServerCommand {
  const flags = [
    'serve',
    '--sandbox',
    '--result',
    'auto',
    ...(outputDir === undefined ? [] : ['--output-dir', outputDir]),
    ...(args.flags['log-level'] === undefined ? [] : ['--log-level', args.flags['log-level']]),
  ];
  const inherited = Object.entries(args.env).filter(([name]) => !name.startsWith('DOITONG_'));
  const env = Object.fromEntries(inherited.filter((entry): entry is [string, string] => entry[1] !== undefined));
  return { command: process.execPath, args: [args.program, ...flags], env: { ...env, FLUX_STATE_DIR: stateDir } };
}
