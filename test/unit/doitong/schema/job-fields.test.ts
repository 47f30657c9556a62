/** Proves where in an answered type things are looked for, and that looking ends. */
import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { TypeModel, TypeRef } from '../../../../src/doitong/schema/introspection.ts';
import { createFieldsIn, jobFields } from '../../../../src/doitong/schema/job-fields.ts';
import { modelOf } from './fixture.ts';

const selectedIn = (type: string, more = ''): string[] => {
  const schema = modelOf(buildSchema(`scalar JSON ${more} type T { ${type} } type Query { t: T }`));
  return jobFields('T', createFieldsIn(schema)).selected.map(
    ({ path, as }) => `${as === undefined ? '' : `${as}: `}${path.join('.')}`,
  );
};

describe('of a type', () => {
  it.each([
    ['id: ID! jobId: ID! userId: ID!', ['id: id']],
    ['job_uuid: String! parentId: ID', ['id: job_uuid']],
    ['webhookUrl: String url: String thumbnailUrl: String', ['url']],
    ['page: String imageUrl: String image: String', ['imageUrl', 'image']],
    ['url: Int result: [JSON]', ['result']],
    ['input: JSON inputImageUrl: String avatar: String', []],
    ['cost: Float creditsRemaining: Int creditsUsed: Int', ['creditCost: creditsUsed']],
    ['price: Float', []],
    ['paymentStatus: String state: String', ['status: state']],
    ['status: Boolean phase: String', ['status: phase']],
    ['status: Int', []],
    ['message: String failReason: String error: String', ['error: error']],
    ['message: String failReason: String', ['error: failReason']],
    ['metadata: JSON', ['metadata: metadata']],
    ['metadata: String', []],
    ['url(size: Int!): String state(at: Int): String', ['status: state']],
  ])('%s is selected what the documented fields are', (type, selected) => {
    expect(selectedIn(type)).toEqual(selected);
  });

  it('addresses are found two levels below, the nearest first', () => {
    const below =
      'type Files { files: [File] } type File { href: String deep: File output: Deep } type Deep { url: String }';
    expect(selectedIn('output: Files result: File', below)).toEqual([
      'result.href',
      'result.output.url',
      'output.files.href',
    ]);
  });
});

it('a schema that never ends is looked at for a while', () => {
  const object = (at: number): TypeRef => ({ kind: 'OBJECT', name: `T${at % 500}`, lists: 0, required: false });
  const typeOf = (at: number): TypeModel => {
    const fields = Array.from({ length: 500 }, (_, to) => {
      const name = `${'output'.repeat(1 + (to % 19))}s${'x'.repeat(to % 2)}`;
      return { name, deprecated: false, args: [], type: object(at * 7 + to) };
    });
    return { name: `T${at}`, fields, inputs: [], values: [] };
  };
  const types = new Map(Array.from({ length: 500 }, (_, at) => [`T${at}`, typeOf(at)]));
  const fieldsIn = createFieldsIn({ queryType: 'Query', mutationType: undefined, types });
  for (let at = 0; at < 500; at += 1) expect(jobFields(`T${at}`, fieldsIn).selected).toEqual([]);
  expect(fieldsIn('T0')).toEqual([]);
});
