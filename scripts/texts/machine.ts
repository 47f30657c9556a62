/** The program in this process, on a machine that is played: a home folder of its own, a fixed time, UTC. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/cli/run.ts';
import type { Environment } from '../../src/config/settings.ts';
import { NOW } from '../text-samples/jobs.ts';

const HOME = '/home/user';
const PROGRAM = `${HOME}/flux-pro-mcp/dist/main.js`;

export type Machine = {
  home: string;
  /** @returns what was printed, and the exit code where it is not 0 */
  shell: (command: string, more?: { env?: Environment; program?: string }) => Promise<string>;
};

/** `command` is split at blanks, apart from those in double quotes. */
const WORD = /"([^"]*)"|\S+/gu;

export async function onMachine<Value>(play: (machine: Machine) => Promise<Value>): Promise<Value> {
  const home = await realpath(await mkdtemp(join(tmpdir(), 'flux-pro-texts-')));
  const restore = fixTime();
  const usual = {
    FLUX_STATE_DIR: join(home, '.local/state/flux-pro-mcp'),
    FLUX_OUTPUT_DIR: join(home, 'Pictures/flux-pro'),
  };
  try {
    return await play({
      home,
      shell: async (command, { env, program = PROGRAM } = {}) => {
        const argv = [...command.matchAll(WORD)].map(([word, quoted]) => quoted ?? word);
        const { printed, code } = await captured(() => run({ argv, env: { ...usual, ...env }, program }));
        const end = code === 0 ? '' : `[exit code ${code}]`;
        return `$ flux-pro-mcp ${command}\n${printed}${end}`
          .replaceAll('\r', '')
          .replaceAll(home, HOME)
          .replaceAll(program, PROGRAM);
      },
    });
  } finally {
    restore();
    await rm(home, { recursive: true, force: true });
  }
}

/** What `work` writes to stdout and stderr, in its order. */
export async function captured(work: () => Promise<number>): Promise<{ printed: string; code: number }> {
  let printed = '';
  const streams = [process.stdout, process.stderr];
  const writes = streams.map((stream) => stream.write);
  const write = (text: string | Uint8Array): boolean => {
    printed += String(text);
    return true;
  };
  // A progress bar is drawn otherwise on a terminal.
  const { isTTY } = process.stdout;
  process.stdout.isTTY = false;
  for (const stream of streams) stream.write = write as typeof stream.write;
  try {
    const code = await work();
    return { printed, code };
  } finally {
    process.stdout.isTTY = isTTY;
    for (const [at, stream] of streams.entries()) stream.write = writes[at] as typeof stream.write;
  }
}

/** @returns sets the time and its zone back */
function fixTime(): () => void {
  const { TZ: zone } = process.env;
  const RealDate = Date;
  process.env.TZ = 'UTC';
  globalThis.Date = class extends RealDate {
    constructor(...given: ConstructorParameters<typeof RealDate> | []) {
      if (given.length === 0) super(NOW);
      else super(...given);
    }
    static override now(): number {
      return NOW;
    }
  } as DateConstructor;
  return () => {
    globalThis.Date = RealDate;
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  };
}
