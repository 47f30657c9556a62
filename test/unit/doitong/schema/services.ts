/** The services of the SDL fixtures: which query is to be found in each, what it answers, and what is to be read. */
import type { StatusQuery } from '../../../../src/doitong/schema/status-query.ts';

type Arguments = Record<string, unknown>;
type Read = Record<string, unknown>;

export type Service = {
  fixture: string;
  submitField?: string;
  /** What matters of the query that is to be found first. */
  finds: Partial<StatusQuery>;
  /** Answers like the service: called with the arguments as they arrived. */
  answers: (args: Arguments) => unknown;
  /** What is to be read for an id that the service knows. */
  reads: (id: string) => Read;
  /** It answers with a job whatever the id is, for it has promised never to answer null. */
  knowsAll?: boolean;
};

/** The id that no service knows. */
export const UNKNOWN_ID = 'gone';

const picture = (id: string): string => `https://cdn.example/${encodeURIComponent(id)}.png`;
const known = <Answer>(id: unknown, answer: (id: string) => Answer): Answer | null =>
  typeof id === 'string' && id !== UNKNOWN_ID ? answer(id) : null;
/** Answers in an order of its own, and leaves out what it does not know. */
const several = <Answer>(ids: unknown, answer: (id: string) => Answer): Answer[] =>
  (Array.isArray(ids) ? (ids as unknown[]) : [ids]).flatMap((id) => known(id, answer) ?? []).reverse();
const at = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((inner, name) => (inner as Arguments | undefined)?.[name], value);
const done = (id: string): Read => ({ id, status: 'completed', url: picture(id) });

export const SERVICES: readonly Service[] = [
  {
    fixture: 'documented',
    finds: { field: 'checkJobStatus', argument: ['jobId'], urls: [['url']], others: [['metadata']], job: [] },
    answers: ({ jobId }) => known(jobId, (id) => ({ ...done(id), type: 'IMAGE', creditCost: 12, metadata: { a: 1 } })),
    reads: (id) => ({ ...done(id), creditCost: 12, metadata: { a: 1 } }),
  },
  {
    fixture: 'relay-connection',
    finds: { field: 'jobs', argument: ['ids'], takesList: true, sizeArgument: 'first', job: ['edges', 'node'] },
    answers: ({ ids, first }) => ({
      edges: [
        null,
        ...several(ids, (id) => ({
          node: { id, phase: 'FAILED', resultUrl: null, errors: [{ message: 'no hands' }] },
        })).slice(0, first as number),
      ],
    }),
    reads: (id) => ({ id, status: 'FAILED', error: 'no hands' }),
  },
  {
    fixture: 'primary-key',
    submitField: 'insert_generation',
    finds: { field: 'generations_by_pk', argument: ['id'], status: ['state'], others: [['meta_data']] },
    answers: ({ id }) => known(id, (key) => ({ id: key, state: 'done', image_url: picture(key), credits_used: 3.5 })),
    reads: (id) => ({ id, status: 'done', url: picture(id), creditCost: 3.5 }),
  },
  {
    fixture: 'comparison-filter',
    finds: { field: 'renders', argument: ['where', 'id', '_in'], takesList: true, sizeArgument: 'limit', job: [] },
    answers: ({ where }) =>
      several(at(where, 'id', '_in'), (id) => ({ id, status: 'ready', download_url: picture(id) })),
    reads: (id) => ({ id, status: 'ready', url: picture(id) }),
  },
  {
    fixture: 'where-unique',
    submitField: 'createGeneration',
    finds: { field: 'generation', argument: ['where', 'id'], urls: [['output', 'files', 'downloadUrl']] },
    answers: ({ where }) =>
      known(at(where, 'id'), (id) => ({ id, state: 'FINISHED', output: { files: [{ downloadUrl: picture(id) }] } })),
    reads: (id) => ({ id, status: 'FINISHED', url: picture(id) }),
  },
  {
    fixture: 'input-object',
    submitField: 'submit',
    finds: { field: 'getTask', argument: ['input', 'taskId'], job: ['task'], id: ['taskId'] },
    answers: ({ input }) => ({
      task: known(at(input, 'taskId'), (taskId) => ({
        taskId,
        taskStatus: 'SUCCESS',
        assets: [{ kind: 'image', href: picture(taskId) }],
        creditsCharged: 20,
        errorMessage: '',
      })),
      userErrors: [],
    }),
    reads: (id) => ({ id, status: 'SUCCESS', url: picture(id), creditCost: 20 }),
  },
  {
    fixture: 'prediction',
    submitField: 'createPrediction',
    finds: { field: 'prediction', argument: ['predictionId'], urls: [['output']], reasons: [['error']] },
    answers: ({ predictionId }) =>
      known(predictionId, (id) => ({ id, status: 'succeeded', output: ['(no address)', picture(id)], error: null })),
    reads: (id) => ({ id, status: 'succeeded', url: picture(id) }),
  },
  {
    fixture: 'sample-result',
    finds: { field: 'get_result', argument: ['id'], urls: [['result', 'sample']], status: ['status'] },
    answers: ({ id }) => ({ id, status: 'Ready', result: { sample: picture(String(id)) }, details: 'took 3 s' }),
    reads: (id) => ({ id, status: 'Ready', url: picture(id), error: 'took 3 s' }),
    knowsAll: true,
  },
  {
    fixture: 'free-form-output',
    finds: { field: 'task', argument: ['uuid'], id: ['uuid'], urls: [['output']] },
    answers: ({ uuid }) =>
      known(uuid, (id) => ({
        uuid: id,
        state: 'failed',
        output: { thumbnail: 'https://cdn.example/t.png', images: [{ seed: 7, url: picture(id) }] },
        reason: { message: 'too dark' },
      })),
    reads: (id) => ({ id, status: 'failed', url: picture(id), error: { message: 'too dark' } }),
  },
  {
    fixture: 'several-pictures',
    finds: { field: 'pictures', argument: ['pictureIds'], takesList: true, answersList: true, id: ['pictureId'] },
    answers: ({ pictureIds }) =>
      several(pictureIds, (id) => ({ pictureId: id, stage: 'DONE', uri: picture(id), price: { credits: 4 } })),
    reads: (id) => ({ id, status: 'DONE', url: picture(id), creditCost: 4 }),
  },
  {
    fixture: 'run-together',
    submitField: 'generateimage',
    finds: { field: 'jobstatus', argument: ['jobid'], id: ['jobid'], status: ['jobstatus'], urls: [['imageurl']] },
    answers: ({ jobid }) =>
      known(jobid, (id) => ({
        jobid: id,
        jobstatus: 'DONE',
        imageurl: picture(id),
        creditcost: 1,
        errormessage: null,
      })),
    reads: (id) => ({ id, status: 'DONE', url: picture(id), creditCost: 1 }),
  },
  {
    fixture: 'unforeseen-name',
    finds: { field: 'dream', argument: ['guid'], id: ['guid'], status: ['state'], urls: [['imageUrl']] },
    answers: ({ guid }) => known(guid, (id) => ({ guid: id, state: 'done', imageUrl: picture(id) })),
    reads: (id) => ({ id, status: 'done', url: picture(id) }),
  },
  {
    fixture: 'several-candidates',
    finds: { field: 'jobState', argument: ['id'] },
    answers: ({ id }) => known(id, (key) => ({ ...done(key), status: 'COMPLETED', creditCost: 10 })),
    reads: (id) => ({ ...done(id), status: 'COMPLETED', creditCost: 10 }),
  },
  {
    fixture: 'interface-answer',
    finds: { field: 'mediaJob', argument: ['id'], urls: [['mediaUrl']], reasons: [['failureReason']] },
    answers: ({ id }) =>
      known(id, (key) => ({ __typename: 'ImageJob', id: key, status: 'error', failureReason: 'moderated' })),
    reads: (id) => ({ id, status: 'error', error: 'moderated' }),
  },
  {
    fixture: 'union-answer',
    finds: { field: 'imageTask', argument: ['taskId'], urls: [['image', 'src']] },
    answers: ({ taskId }) => known(taskId, (id) => ({ taskId: id, status: 'OK', image: { src: '/relative.png' } })),
    reads: (id) => ({ id, status: 'OK', url: '/relative.png' }),
  },
  {
    fixture: 'deprecated',
    finds: { field: 'generationProgress', argument: ['generationId'], urls: [['output', 'url'], ['url']] },
    answers: ({ generationId }) =>
      known(generationId, (id) => ({ id, status: 'done', url: 'https://old.example', output: { url: picture(id) } })),
    reads: (id) => ({ id, status: 'done', url: picture(id) }),
  },
  {
    fixture: 'orders-are-pictures',
    finds: { field: 'order', argument: ['id'], urls: [['pictures', 'url']] },
    answers: ({ id }) => known(id, (key) => ({ id: key, status: 'shipped', pictures: [] })),
    reads: (id) => ({ id, status: 'shipped' }),
  },
  {
    fixture: 'optional-argument',
    finds: { field: 'job', argument: ['id'] },
    answers: ({ id }) => known(id, (key) => ({ ...done(key), status: 'DONE' })),
    reads: (id) => ({ ...done(id), status: 'DONE' }),
  },
  {
    fixture: 'wrapped-response',
    finds: { field: 'checkJob', argument: ['jobId'], job: ['data'], status: ['status'], creditCost: ['credits'] },
    answers: ({ jobId }) => ({
      status: 'OK',
      code: 200,
      data: known(jobId, (id) => ({ id, status: 'done', images: [null, { src: picture(id) }], credits: 0 })),
    }),
    reads: (id) => ({ id, status: 'done', url: picture(id), creditCost: 0 }),
  },
  {
    fixture: 'status-object',
    finds: { field: 'render', argument: ['id'], status: ['status', 'state'], urls: [['file', 'uri']] },
    answers: ({ id }) =>
      known(id, (key) => ({
        id: key,
        status: { state: 'FAILED' },
        file: null,
        failure: { reason: 'out of paint' },
        usage: { credits: 1.5 },
      })),
    reads: (id) => ({ id, status: 'FAILED', error: 'out of paint', creditCost: 1.5 }),
  },
  {
    fixture: 'without-id',
    finds: { field: 'generationStatus', argument: ['generationId'], urls: [['url']] },
    answers: ({ generationId }) => known(generationId, (id) => ({ status: 'completed', url: picture(id) })),
    reads: (id) => done(id),
  },
  {
    fixture: 'arguments-inside',
    finds: { field: 'generation', argument: ['id'], urls: [['images', 'edges', 'node', 'href']] },
    answers: ({ id }) =>
      known(id, (key) => ({
        id: key,
        status: 'ready',
        images: { edges: [{ node: { href: picture(key) } }, { node: { href: 'https://cdn.example/2.png' } }] },
      })),
    reads: (id) => ({ id, status: 'ready', url: picture(id) }),
  },
  {
    fixture: 'without-status',
    finds: { field: 'image', argument: ['id'], urls: [['url']] },
    answers: ({ id }) => known(id, (key) => ({ id: key, url: picture(key) })),
    reads: (id) => ({ id, url: picture(id) }),
  },
  {
    fixture: 'filtered-page',
    finds: { field: 'findPredictions', argument: ['filter', 'ids'], sizeArgument: 'pageSize', job: ['items'] },
    answers: ({ filter, pageSize }) => ({
      items: several(at(filter, 'ids'), (id) => ({
        _id: id,
        status: 'done',
        results: [{ imageUrl: picture(id) }],
      })).slice(0, pageSize as number),
    }),
    reads: (id) => ({ id, status: 'done', url: picture(id) }),
  },
  {
    fixture: 'other-jobs',
    submitField: 'order',
    finds: { field: 'pictureProgress', argument: ['of'] },
    answers: ({ of }) => known(of, (id) => ({ id, status: 'FAILED', reason: 'no credits' })),
    reads: (id) => ({ id, status: 'FAILED', error: 'no credits' }),
  },
  {
    fixture: 'studio',
    submitField: 'queueJob',
    finds: { field: 'myStudioJob', argument: ['id'], urls: [['outputs', 'outputPngUrl']], reasons: [['lastError']] },
    answers: ({ id }) => ({
      id,
      state: 'SUCCEEDED',
      outputs: [{ outputPngUrl: null }, { outputPngUrl: picture(String(id)) }],
    }),
    reads: (id) => ({ id, status: 'SUCCEEDED', url: picture(id) }),
    knowsAll: true,
  },
  {
    fixture: 'non-null-everywhere',
    finds: {
      field: 'pictureRequests',
      argument: ['requestIds'],
      sizeArgument: 'limit',
      status: ['currentState'],
      urls: [['generatedFiles', 'results']],
    },
    answers: ({ requestIds, limit }) =>
      several(requestIds, (requestId) => ({
        requestId,
        currentState: 'done',
        generatedFiles: [{ results: [[]] }, { results: [['a description', picture(requestId)]] }],
      })).slice(0, limit as number),
    reads: (id) => ({ id, status: 'done', url: picture(id) }),
  },
];

/** In these nothing tells the status of a picture. */
export const NONE_FITTING = ['neighbours-only', 'only-union', 'wrong-arguments', 'albums'] as const;
