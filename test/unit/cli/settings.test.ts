/** Proves the bounds of whole numbers that are given to a command's own flags, and which settings a command reads. */
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/cli/command.ts';
import { NOT_FOR_JOBS, NOT_FOR_SANDBOX, settingsOf, wholeNumber } from '../../../src/cli/settings.ts';

const args = (flags: Record<string, string>, env: Record<string, string> = {}) => ({
  words: [],
  lists: {},
  flags,
  env,
  program: 'main.js',
});
const bounds = { min: 0, max: 60 };

describe('wholeNumber', () => {
  it('is absent when the flag is', () => {
    expect(wholeNumber(args({}), 'n', bounds)).toBeUndefined();
  });

  it.each([
    ['0', 0],
    ['60', 60],
  ])('takes its bounds: %s', (text, value) => {
    expect(wholeNumber(args({ n: text }), 'n', bounds)).toBe(value);
  });

  it.each(['61', '-1', '1.5', '', ' 1', '1e1', '0x1', 'one'])('refuses %j and names flag, value and bounds', (text) => {
    expect(() => wholeNumber(args({ n: text }), 'n', bounds)).toThrow(
      new UsageError(`--n: ${JSON.stringify(text)} is not allowed. Allowed: a whole number from 0 to 60.`),
    );
  });
});

describe('settingsOf', () => {
  it('gives the settings, or a usage error', async () => {
    expect((await settingsOf(args({ plan: 'pro' }))).plan).toBe('pro');
    await expect(settingsOf(args({}, { DOITONG_PLAN: 'gold' }))).rejects.toThrow(UsageError);
  });

  it('does not read what a command does not take, so that a flag of its own may have the same name', async () => {
    const left = NOT_FOR_JOBS;
    expect(left).toContain('waitSeconds');
    const config = await settingsOf(args({ 'wait-seconds': '3600' }, { FLUX_RESULT: 'video' }), left);
    expect(config.waitSeconds).toBe(45);
    await expect(settingsOf(args({ plan: 'gold' }), left)).rejects.toThrow(UsageError);
  });

  it.each([
    ['the built-in sandbox, which posts nothing', NOT_FOR_SANDBOX],
    ['commands that end', NOT_FOR_JOBS],
  ])('listens for no webhooks in %s, and asks for no secret', async (_, left) => {
    const { webhookListen, webhookSecret } = await settingsOf(args({}, { DOITONG_WEBHOOK_LISTEN: '8080' }), left);
    expect([webhookListen, webhookSecret]).toEqual([undefined, undefined]);
  });
});
