/** Proves that a picture's name is one that every file system takes, whatever the prompt or the caller says. */
import { posix, win32 } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { monthFolder, pictureFileName, safeStem } from '../../../src/storage/image-folder.ts';
import { CREATED_AT } from '../core/sample-jobs.ts';

const JOB_ID = 'job_0123456789abcdef0123';
/** Names that Windows takes for a device, whatever the extension. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)(?:\.|$)/iu;
const FORBIDDEN_ANYWHERE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>:"/\\|?*]/u;

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({ unit: 'grapheme', maxLength: 400 }),
  fc.constantFrom('con', 'NUL', 'aux.txt', 'COM¹', 'lpt9.jpg', '..', '.', ' ', '~', '-', '../../etc/passwd', 'a. . .'),
);

function expectSafe(name: string): void {
  expect(name).not.toBe('');
  expect(name).not.toMatch(FORBIDDEN_ANYWHERE);
  expect(name).not.toMatch(DEVICE);
  expect(name).not.toMatch(/^[.\s~-]/u);
  expect(name).not.toMatch(/[.\s]$/u);
  expect(name).not.toContain('..');
}

const nameOf = (prompt: string, fileName?: string): string =>
  pictureFileName({ jobId: JOB_ID, prompt, ...(fileName === undefined ? {} : { fileName }) }, 'jpg');

describe('pictureFileName', () => {
  it('is safe for any prompt and any file name', () => {
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), (prompt, fileName) => {
        const name = nameOf(prompt, fileName);
        expectSafe(name);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
        // macOS stores some file systems' names decomposed, and counts their UTF-16 units.
        expect(name.normalize('NFD').length).toBeLessThanOrEqual(255);
        expect(name.endsWith(`_${JOB_ID}.jpg`)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['A fox, in the snow!', undefined, 'a-fox-in-the-snow'],
    ['A fox', 'My Logo', 'my-logo'],
    ['A fox', 'logo.PNG', 'logo'],
    ['A fox', '狐', '狐'],
    ['Füchse', undefined, 'füchse'],
    ['🦊🦊', undefined, 'picture'],
    ['', undefined, 'picture'],
    ['A fox', '../../etc/passwd', 'etc-passwd'],
    ['CON', undefined, 'picture-con'],
    ['x'.repeat(4_000), undefined, 'x'.repeat(80)],
  ])('of prompt %j and file name %j begins with %j', (prompt, fileName, stem) => {
    expect(nameOf(prompt, fileName)).toBe(`${stem}_${JOB_ID}.jpg`);
  });

  it('lets nothing through from id and extension either', () => {
    const label = { jobId: '../../job_1', prompt: 'fox' };
    expect(pictureFileName(label, '../png')).toBe('fox_job_1.png');
  });
});

describe('the path of a picture', () => {
  const roots = [
    ['Linux', posix, '/home/user/Pictures/flux-pro'],
    ['macOS', posix, '/Users/user/Pictures/flux-pro'],
    ['Windows', win32, 'C:\\Users\\user\\Pictures\\flux-pro'],
    ['a Windows share', win32, '\\\\server\\share\\flux-pro'],
  ] as const;

  it.each(roots)('stays inside the root on %s, whatever prompt and file name say', (_, path, root) => {
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), (prompt, fileName) => {
        const name = nameOf(prompt, fileName);
        for (const written of [name, name.normalize('NFD'), name.normalize('NFC')]) {
          const file = path.resolve(root, monthFolder(CREATED_AT), written);
          expect(path.relative(root, file)).toBe(path.join('2026-11', written));
          expect(path.parse(file).base).toBe(written);
        }
        // Windows counts UTF-16 units of the whole path, without long paths: 260 with the end.
        if (path === win32)
          expect(win32.resolve('C:\\Users\\user\\Pictures\\flux-pro\\2026-11', name).length).toBeLessThan(248);
      }),
      { numRuns: 500 },
    );
  });
});

describe('safeStem', () => {
  it('is safe by itself and at most 80 bytes, cut between characters', () => {
    fc.assert(
      fc.property(text, (words) => {
        const stem = safeStem(words);
        expectSafe(stem);
        expect(Buffer.byteLength(stem)).toBeLessThanOrEqual(80);
        expect(stem).not.toMatch(/\p{Cs}/u);
      }),
    );
  });

  it.each(['con', 'PRN', 'aux', 'Nul', 'com1', 'LPT9', 'com²'])('is never the device %s', (device) => {
    expect(safeStem(device)).toBe(`picture-${device.toLowerCase()}`);
  });
});

describe('monthFolder', () => {
  it('is the month of creation in UTC', () => {
    expect(monthFolder(CREATED_AT)).toBe('2026-11');
    expect(monthFolder(CREATED_AT - 1)).toBe('2026-10');
  });
});
