/** Proves that a flag or a word is either understood or refused with a message that names it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Command, parseFlags, UsageError } from '../../../src/cli/command.ts';

const COMMAND: Command = {
  name: 'paint',
  summary: 'paints',
  flags: [
    { name: 'sandbox', help: 'A switch.' },
    { name: 'colour', value: 'NAME', help: 'A value.' },
    { name: 'tint', value: 'NAME', repeatable: true, help: 'A value, or several.' },
  ],
  settings: ['waitSeconds', 'apiKey'],
  load: () => Promise.reject(new Error('not loaded in this test')),
};
const WORDY: Command = { ...COMMAND, positionals: [{ name: 'PROMPT', repeatable: true, help: 'Any.' }] };
const parse = (...argv: string[]): Record<string, string | undefined> => parseFlags(argv, COMMAND).flags;

describe('parseFlags', () => {
  it('reads switches, values in both notations, and the flags of settings', () => {
    expect(parse()).toEqual({});
    expect(parse('--sandbox', '--colour', 'red', '--wait-seconds=5')).toEqual({
      sandbox: 'true',
      colour: 'red',
      'wait-seconds': '5',
    });
  });

  it('takes as many words as there are where a word is repeatable, and none where there is none', () => {
    expect(parseFlags(['a', '--sandbox', 'b', '--', '--c'], WORDY).words).toEqual(['a', 'b', '--c']);
    expect(() => parse('a')).toThrow('paint: unexpected argument "a".');
  });

  it('takes a value as it is, empty or with spaces and equals signs', () => {
    expect(parse('--colour=')).toEqual({ colour: '' });
    expect(parse('--colour', 'a = b')).toEqual({ colour: 'a = b' });
  });

  it.each([
    ['--help', 'help'],
    ['-h', 'help'],
    ['--version', 'version'],
    ['-v', 'version'],
  ])('knows %s everywhere', (flag, name) => {
    expect(parse(flag)).toEqual({ [name]: 'true' });
  });

  it('refuses an unknown flag and lists the known ones', () => {
    expect(() => parse('--hue', 'red')).toThrow(
      new UsageError(
        'paint has no flag --hue. Allowed: --help, --version, --sandbox, --colour, --tint, --wait-seconds.',
      ),
    );
    expect(() => parse('-x')).toThrow('paint has no flag -x.');
    expect(() => parse('--constructor')).toThrow('paint has no flag --constructor.');
  });

  it.each([
    ['--color', '--colour'],
    ['--colour_', '--colour'],
    ['--sadnbox', '--sandbox'],
    ['--waitSeconds', '--wait-seconds'],
    ['--WAIT_SECOND', '--wait-seconds'],
  ])('guesses which flag was meant by %s', (typed, meant) => {
    expect(() => parse(typed)).toThrow(new UsageError(`paint has no flag ${typed}. Did you mean ${meant}?`));
  });

  it('guesses within bounds, however long a flag is', () => {
    expect(() => parse(`--${'colour'.repeat(20_000)}`)).toThrow(' Allowed: --help,');
  });

  it.each([['--colour'], ['--tint', 'red', '--tint'], ['--wait-seconds', '--sandbox', '--colour']])(
    'refuses a flag without its value: %j',
    (...argv) => {
      expect(() => parse(...argv)).toThrow(/ needs a value\.$/u);
    },
  );

  it('refuses a flag that is given twice', () => {
    expect(() => parse('--colour', 'red', '--colour', 'red')).toThrow('--colour is given twice.');
    expect(() => parse('--sandbox', '--sandbox')).toThrow('--sandbox is given twice.');
    expect(() => parse('--wait-seconds=5', '--wait-seconds=5')).toThrow('--wait-seconds is given twice.');
    expect(() => parse('--help', '--help')).toThrow('--help is given twice.');
  });

  it('keeps every value of a repeatable flag, in the order given', () => {
    const tints = (...argv: string[]) => parseFlags(argv, COMMAND).lists.tint ?? [];
    expect(tints()).toEqual([]);
    expect(tints('--tint', 'red')).toEqual(['red']);
    expect(tints('--tint=red', '--colour', 'green', '--tint', 'a,b = c', '--tint', 'red', '--tint=')).toEqual([
      'red',
      'a,b = c',
      'red',
      '',
    ]);
    fc.assert(
      fc.property(fc.array(fc.string()), (values) => {
        expect(tints(...values.map((value) => `--tint=${value}`))).toEqual(values);
      }),
    );
  });

  it('refuses a value for a switch', () => {
    expect(() => parse('--sandbox=no')).toThrow('--sandbox is a switch and takes no value ("no" was given).');
  });

  it('refuses loose words', () => {
    expect(() => parse('red')).toThrow('paint: unexpected argument "red".');
    expect(() => parse('--sandbox', 'true')).toThrow('paint: unexpected argument "true".');
    expect(() => parse('--', 'red')).toThrow('paint: unexpected argument "red".');
  });

  it.each([
    ['--api-key', 'dt_live_12345678'],
    ['--api-key=dt_live_12345678'],
    ['--key=dt_live_12345678'],
    ['--webhook-secret=dt_live_12345678'],
    ['--token', 'dt_live_12345678'],
  ])('refuses the key as a flag, says where it belongs and does not repeat it: %s', (...argv) => {
    const message = messageOf(argv);
    expect(message).toContain('The API key is never a flag: set DOITONG_API_KEY or DOITONG_API_KEY_FILE.');
    expect(message).not.toContain('dt_live');
  });

  it('never ends in anything but values or a usage error', () => {
    const words = fc.oneof(fc.string(), fc.constantFrom('--colour', '--sandbox', '--', '-', '--=', '-abc', '--no-x'));
    fc.assert(
      fc.property(fc.array(words, { maxLength: 6 }), (argv) => {
        expect(() => {
          try {
            parse(...argv);
          } catch (error) {
            if (!(error instanceof UsageError)) throw error;
          }
        }).not.toThrow();
      }),
    );
  });
});

describe('the words of a command', () => {
  const HANG: Command = {
    ...COMMAND,
    name: 'hang',
    positionals: [
      { name: 'HOW', words: ['high', 'low'], help: 'How to hang it.' },
      { name: 'WHAT', help: 'What to hang.' },
    ],
  };
  const hang = (...argv: string[]) => parseFlags(argv, HANG);

  it('come in their order, between flags and behind --', () => {
    expect(hang('low')).toEqual({ flags: {}, lists: {}, words: ['low'] });
    expect(hang('--sandbox', 'low', '--colour', 'red', 'fox')).toEqual({
      flags: { sandbox: 'true', colour: 'red' },
      lists: {},
      words: ['low', 'fox'],
    });
    expect(hang('low', '--', '--fox').words).toEqual(['low', '--fox']);
  });

  it('are those that are allowed', () => {
    expect(() => hang('lower')).toThrow(new UsageError('hang: "lower" is not allowed. Allowed: high, low.'));
    expect(() => hang('hihg')).toThrow(new UsageError('hang: "hihg" is not allowed. Did you mean high?'));
    expect(() => hang('constructor')).toThrow('hang: "constructor" is not allowed.');
    expect(() => hang('low', 'fox', 'hen')).toThrow(new UsageError('hang: unexpected argument "hen".'));
  });
});

function messageOf(argv: string[]): string {
  try {
    parse(...argv);
  } catch (error) {
    return String(error);
  }
  return 'nothing was refused';
}
