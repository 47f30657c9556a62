/** Proves how progress is drawn on a terminal and in a file. */
import { describe, expect, it } from 'vitest';
import { progressBar } from '../../../src/cli/progress-bar.ts';

function drawOn(stream: { isTTY?: boolean; columns?: number }): {
  text: () => string;
  bar: ReturnType<typeof progressBar>;
} {
  const written: string[] = [];
  const out = { ...stream, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { bar: progressBar(out), text: () => written.join('') };
}

describe('progressBar', () => {
  it('writes a plain line for each step where there is no terminal', () => {
    const { bar, text } = drawOn({});
    bar.show(0, 'sending');
    bar.show(0.5, 'painting');
    bar.done('done');
    expect(text().split('\n')).toEqual([
      `[${'░'.repeat(24)}]   0 %  sending`,
      `[${'█'.repeat(12)}${'░'.repeat(12)}]  50 %  painting`,
      `[${'█'.repeat(24)}] 100 %  done`,
      '',
    ]);
  });

  it('says nothing where there is no terminal when only seconds have passed', () => {
    const { bar, text } = drawOn({});
    for (const message of ['sending, 1 s', 'sending, 2 s', 'painting, 3 s', 'painting, 5 s, 4 s left'])
      bar.show(0.5, message);
    expect(text().match(/(?<=% {2}).+/gu)).toEqual(['sending, 1 s', 'painting, 3 s']);
  });

  it('never goes back', () => {
    const { bar, text } = drawOn({ isTTY: true });
    for (const fraction of [0.5, 0.25, 0.75]) bar.show(fraction, '');
    expect(text().match(/\d+(?= %)/gu)).toEqual(['50', '50', '75']);
  });

  it('redraws one line on a terminal, cut to its width so that it never wraps', () => {
    const { bar, text } = drawOn({ isTTY: true, columns: 40 });
    bar.show(0.25, 'a message that is far too long for this narrow terminal');
    bar.done('done');
    const [before, during, after] = text().split('\r\u001B[K');
    expect(before).toBe('');
    expect(during).toHaveLength(39);
    expect(during).not.toContain('\n');
    expect(after).toMatch(/100 % {2}done\n$/u);
  });
});
