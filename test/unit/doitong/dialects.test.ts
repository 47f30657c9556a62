/** Proves what is remembered of a service, and that nothing that was written by others is believed blindly. */
import { describe, expect, it } from 'vitest';
import { DOCUMENTED_ENCODING, ServiceFacts } from '../../../src/doitong/dialects.ts';
import { plainQuery } from '../../../src/doitong/schema/status-query.ts';
import { createPlainWireMemory } from '../../support/plain-wire-memory.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const ENCODING = {
  leftOut: ['options.quality'],
  webhookInOptions: true,
  unselected: ['creditCost'],
  typeName: 'Other',
  values: { type: { IMAGE: 'image' }, 'options.quality': { high: null } },
};
const READING = plainQuery('job', 'id');

describe('facts', () => {
  it('are kept for the next process, all of them', async () => {
    const memory = createPlainWireMemory();
    const facts = new ServiceFacts(memory, log);
    await facts.noteReading(READING);
    await facts.noteOrdering('generateImage', ENCODING);
    expect(await new ServiceFacts(memory, log).get()).toEqual({
      dialect: 'generateImage',
      ...ENCODING,
      reading: READING,
    });
    expect(memory.known()).toEqual({ dialect: 'generateImage', ...ENCODING, reading: READING });
  });

  it('are recalled once, and written only when they change', async () => {
    const memory = createPlainWireMemory();
    let recalls = 0;
    const recall = (): ReturnType<typeof memory.recall> => {
      recalls += 1;
      return memory.recall();
    };
    const counted = { ...memory, recall };
    const facts = new ServiceFacts(counted, log);
    await Promise.all([facts.get(), facts.get(), facts.noteReading('rest')]);
    for (let time = 0; time < 3; time += 1) await facts.noteOrdering('rest', DOCUMENTED_ENCODING);
    expect([recalls, memory.writes()]).toEqual([1, 2]);
  });

  it('of orders and of readings are forgotten apart, and only those that did not fit', async () => {
    const memory = createPlainWireMemory({ dialect: 'rest', ...ENCODING, reading: 'rest' });
    const facts = new ServiceFacts(memory, log);
    await facts.forgetOrdering('generate');
    expect(await facts.forgetReading(READING)).toBe(false);
    expect(memory.writes()).toBe(0);
    await facts.forgetOrdering('rest');
    expect(await facts.get()).toEqual({ ...DOCUMENTED_ENCODING, reading: 'rest' });
    expect(await facts.forgetReading('rest')).toBe(true);
    expect(await facts.get()).toEqual(DOCUMENTED_ENCODING);
    expect(await new ServiceFacts(memory, log).get()).toEqual(DOCUMENTED_ENCODING);
  });

  it.each([
    { dialect: 'constructor', typeName: 'X!) { evil }', values: { type: 'image' }, webhookInOptions: 1 },
    { leftOut: [7], unselected: 'id', typeName: '', reading: { ...READING, field: 'a b' } },
    { leftOut: Array.from({ length: 21 }, () => 'x'), reading: { ...READING, more: true } },
    { reading: { ...READING, selected: [] }, typeName: 'x'.repeat(121) },
    { dialect: null, reading: null },
  ])('that are none count for nothing: %j', async (kept) => {
    expect(await new ServiceFacts(createPlainWireMemory(kept), log).get()).toEqual(DOCUMENTED_ENCODING);
  });

  it('of an older version count as far as they go', async () => {
    const memory = createPlainWireMemory({ dialect: 'generate', leftOut: ['webhookUrl'], what: 'else' });
    const encoding = { ...DOCUMENTED_ENCODING, leftOut: ['webhookUrl'] };
    expect(await new ServiceFacts(memory, log).get()).toEqual({ dialect: 'generate', ...encoding });
  });
});
