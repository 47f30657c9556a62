/** A service that has every picture ready at once, and hosts that order from it with the packed program. */
import { execFileSync } from 'node:child_process';
import type { Home, PackedPackage, RunningProgram, StartOptions } from './packed-program.ts';
import { LIGHT_JPEG } from './pictures.ts';
import { RawHost, type ToolResult, textOf } from './raw-host.ts';
import { type ScriptedService, startScriptedService } from './scripted-service.ts';

const SIZE = { width: 256, height: 256 };

export type PictureService = ScriptedService & {
  picture: Buffer;
  /** Orders that arrived. */
  orders(): number;
};

export async function startPictureService(picture?: Buffer): Promise<PictureService> {
  const body = picture ?? Buffer.from(LIGHT_JPEG);
  const service = await startScriptedService({ picture: () => ({ body }) });
  const orders = (): number => service.requests.filter(({ kind }) => kind === 'submit').length;
  return { ...service, picture: body, orders };
}

export type Serving = { program: RunningProgram; host: RawHost; home: Home };

/** A program that serves a host; `options.command` may be a shell or a tracer that starts it. */
export async function serve(
  packed: PackedPackage,
  service: ScriptedService,
  { args = [], env = {}, ...options }: StartOptions & { args?: readonly string[] } = {},
): Promise<Serving> {
  const home = options.home ?? (await packed.newHome());
  const program = await packed.start(args, { ...options, home, env: { ...service.env, ...env } });
  const host = new RawHost(program);
  await host.handshake();
  return { program, host, home };
}

export const order = (host: RawHost, prompt = 'a heron', more: Record<string, unknown> = {}): Promise<ToolResult> =>
  host.call('generate_image', { prompt, ...SIZE, ...more });

/** What an answer says of the job: the lines "Job: …" and "File: …". */
export function jobOf(answer: ToolResult): { id: string; file: string } {
  const text = textOf(answer);
  const [, id = ''] = /^Job: (\S+)/mu.exec(text) ?? [];
  const [, file = ''] = /^File: (.+)$/mu.exec(text) ?? [];
  if (id === '' || file === '') throw new Error(`no saved picture in the answer: ${text}`);
  return { id, file };
}

const MKFIFO = 'mkfifo';

/** Node has no call for it. */
export function makeFifo(path: string): void {
  execFileSync(MKFIFO, [path]);
}
