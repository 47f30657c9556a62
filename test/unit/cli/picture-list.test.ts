/** Proves how the prompts, flags and files of `generate` become orders, and that what is wrong is named. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Arguments, parseFlags } from '../../../src/cli/command.ts';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { type PictureList, pictureList } from '../../../src/cli/picture-list.ts';

const COMMAND = COMMANDS.find(({ name }) => name === 'generate');
const SECRET = 'dt_live_4711abcdef';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-list-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function list(...argv: string[]): Promise<PictureList> {
  if (COMMAND === undefined) throw new Error('there is no such command');
  const args: Arguments = { ...parseFlags(argv, COMMAND), env: {}, program: '' };
  return pictureList(args, (text) => text.replaceAll(SECRET, '[redacted]'));
}

async function listOf(content: string | Uint8Array, name = 'list.txt', ...argv: string[]): Promise<PictureList> {
  const file = join(folder, name);
  await writeFile(file, content);
  return list('--from', file, ...argv);
}

const promptsOf = ({ orders }: PictureList): string[] => orders.map(({ request }) => request.prompt);

describe('prompts and flags', () => {
  it.each(['max-credits', 'wait-seconds', 'aspect-ratio', 'from'])('refuse an empty --%s', async (flag) => {
    await expect(list('a fox', `--${flag}=`)).rejects.toThrow(`--${flag} needs a value; nothing was sent.`);
  });

  it('are the arguments of the tools', async () => {
    const flags = ['--aspect-ratio', '16:9', '--size', 'large', '--file-name', 'hero', '--style', 'oil on canvas'];
    const ofService = ['--flux-version', 'flux-pro', '--quality', 'high'];
    const ofCall = ['--max-credits', '200', '--wait-seconds', '30', '--allow-duplicate'];
    const rest = { width: 2048, height: 1152, version: 'flux-pro', quality: 'high' };
    expect(await list('a fox', 'an owl', ...flags, ...ofService, ...ofCall)).toEqual({
      orders: ['a fox, oil on canvas', 'an owl, oil on canvas'].map((prompt) => ({
        request: { prompt, ...rest },
        fileName: 'hero',
        allowDuplicate: true,
      })),
      ...{ style: 'oil on canvas', version: 'flux-pro', quality: 'high' },
      ...{ max_credits: 200, wait_seconds: 30, allow_duplicate: true },
    });
  });

  it('may be left out, but for one prompt', async () => {
    const request = { prompt: 'a fox', width: 1024, height: 1024 };
    expect(await list('a fox')).toEqual({ orders: [{ request, allowDuplicate: false }], allow_duplicate: false });
    await expect(list()).rejects.toThrow('generate needs a prompt in quotation marks, or --from FILE with some.');
    await expect(listOf('\n \n')).rejects.toThrow('generate needs a prompt');
  });

  it('are read behind two dashes as they are', async () => {
    expect(promptsOf(await list('--', '--size', 'a fox'))).toEqual(['--size', 'a fox']);
  });

  it.each([
    [['--width', '1e3'], '--width: "1e3" must be a whole number from 256 to 2048, a multiple of 8'],
    [['--width', '260'], '--width: 260 must be a whole number from 256 to 2048, a multiple of 8'],
    [['--aspect-ratio', '5:3'], '--aspect-ratio: "5:3" must be one of 1:1, 16:9,'],
    [['--size', '512x512'], '--size: "512x512" must be one of standard, large; for pixels, give width 512'],
    [
      ['--size', 'large', '--width', '512'],
      '--width: 512 must be left out when --aspect-ratio or --size is given, unless both sides agree with them',
    ],
    [['--file-name', '../fox'], '--file-name: "../fox" must be a plain name, never a path'],
    [['--flux-version', 'flux-2'], '--flux-version: "flux-2" must be one of flux-pro-1.1, flux-pro'],
    [['--quality', 'low'], '--quality: "low" must be high, or be left out'],
    [['--max-credits', '0'], '--max-credits: 0 must be a whole number from 1 to 100000000'],
    [['--wait-seconds', '301'], '--wait-seconds: 301 must be a number from 0 to 300'],
    [['--file-name', `a/${SECRET}`], '--file-name: "a/[redacted]" must be a plain name'],
  ])('are named when they are wrong: %j', async (argv, says) => {
    const refused = await list('a fox', 'an owl', ...argv).catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({
      name: 'UsageError',
      message: expect.stringMatching(/^nothing was sent, because of the arguments\.\n {2}/u),
    });
    expect((refused as Error).message).toContain(says);
    // Once, not for each picture.
    expect((refused as Error).message.split(says)).toHaveLength(2);
  });

  it('are named together with the picture where they are wrong together', async () => {
    const both = list('a fox', 'an owl', '--style', 'x'.repeat(3_993));
    await expect(both).rejects.toThrow(
      'picture 2, prompt: "an owl" and style must be at most 4000 characters together',
    );
    await expect(both).rejects.not.toThrow('picture 1');
  });

  it('are refused for a prompt that shows nothing or is too long', async () => {
    for (const prompt of ['', ' ', 'a\u0000b', 'x'.repeat(4_001)])
      await expect(list('a fox', prompt)).rejects.toThrow('picture 2, prompt: ');
  });
});

describe('a text file', () => {
  it('has a prompt on each line, behind those of the command line; empty lines and a byte order mark are none', async () => {
    const found = await listOf('\uFEFFa fox, "red"\r\n\r\n  an owl  \n\n\rtwo; hares', 'list.txt', 'first');
    expect(promptsOf(found)).toEqual(['first', 'a fox, "red"', 'an owl', 'two; hares']);
  });

  it.each([
    [new Uint8Array([0xff, 0xfe, 0x61, 0]), 'this is not UTF-8 text.'],
    [`fox\n${'x'.repeat(4_001)}`, 'picture 2, prompt: "xxx'],
    [`${'fox\n'.repeat(60)}\u0007bad`, 'picture 61, prompt: '],
  ])('is refused for what it holds: %#', async (content, says) => {
    await expect(listOf(content)).rejects.toThrow(says);
  });

  it('that is not there is named', async () => {
    await expect(list('--from', join(folder, 'none'))).rejects.toThrow(/^--from \/.*none: ENOENT: no such file.*\.$/u);
  });

  it('may be longer than a call of the tools', async () => {
    expect(promptsOf(await listOf('fox\n'.repeat(120)))).toHaveLength(120);
  });
});

describe('a CSV file', () => {
  it('has columns named like the arguments, quoted as RFC 4180 says; an empty cell leaves the flag or the default', async () => {
    const csv =
      '\uFEFFprompt,aspect_ratio,size,width,height,file_name\r\n' +
      '"a ""red"" fox,\nin snow",16:9,large,,,fox\r\n' +
      '\r\n,,,,,\r\n' +
      'an owl,,,512,256,\r\n';
    const found = await listOf(csv, 'LIST.CSV', '--file-name', 'animal');
    expect(found.orders).toMatchObject([
      { request: { prompt: 'a "red" fox,\nin snow', width: 2048, height: 1152 }, fileName: 'fox' },
      { request: { prompt: 'an owl', width: 512, height: 256 }, fileName: 'animal' },
    ]);
  });

  it('is known by its heading, too', async () => {
    for (const head of ['prompt', 'file_name, prompt', '"file_name","prompt"'])
      expect(promptsOf(await listOf(`${head}\n${head.includes(',') ? 'one,' : ''}a fox\n`))).toEqual(['a fox']);
  });

  it('overrides a flag with its cell', async () => {
    const found = await listOf(
      'prompt,size\nfox,large\nowl,\n',
      'a.csv',
      '--aspect-ratio',
      '1:1',
      '--size',
      'standard',
    );
    expect(found.orders.map(({ request }) => request.width)).toEqual([2048, 1024]);
  });

  it.each([
    ['prompt,seed\nfox,7', 'the column "seed" is unknown or there twice. Allowed: prompt, aspect_ratio,'],
    ['prompt,aspect-ratio\nfox,1:1', 'the column "aspect-ratio" is unknown or there twice. Did you mean aspect_ratio?'],
    ['prompt,max_credits\nfox,7', 'the column "max_credits" is unknown'],
    ['prompt,size,prompt\na,,b', 'the column "prompt" is unknown or there twice.'],
    ['a fox\nan owl', 'the column "a fox" is unknown'],
    ['prompt;size\nfox;large', 'the column "prompt;size" is unknown'],
    ['prompt,size\nfox,large,3', 'Invalid Record Length: columns length is 2, got 3 on line 2'],
    ['prompt,size\n"fox,large', 'Quote Not Closed: the parsing is finished with an opening quote at line 2'],
    ['size\nlarge', 'picture 1, prompt: is missing; it must be a text of 1 to 4000 characters'],
    ['prompt,width\nfox,\nowl,100', 'picture 2, width: 100 must be a whole number from 256 to 2048'],
    ['', 'generate needs a prompt'],
  ])('is refused for what it holds: %j', async (csv, says) => {
    await expect(listOf(csv, 'list.csv')).rejects.toThrow(says);
  });
});
