/** The services of the SDL fixtures: which query is to be found in each, what it answers, and what is to be read. */
type Arguments = Record<string, unknown>;
type Read = Record<string, unknown>;

export type Service = {
  fixture: string;
  submitField?: string;
  /** The query that is to be found first, as it asks for the job `one`. */
  asks: string;
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
const at = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((inner, name) => (inner as Arguments | undefined)?.[name], value);
const done = (id: string): Read => ({ id, status: 'completed', url: picture(id) });

export const SERVICES: readonly Service[] = [
  {
    fixture: 'documented',
    asks: 'checkJobStatus(jobId: "one") { id status url creditCost metadata }',
    answers: ({ jobId }) => known(jobId, (id) => ({ ...done(id), type: 'IMAGE', creditCost: 12, metadata: { a: 1 } })),
    reads: (id) => ({ ...done(id), creditCost: 12 }),
  },
  {
    fixture: 'primary-key',
    submitField: 'insert_generation',
    asks: 'generations_by_pk(id: "one") { id status: state image_url creditCost: credits_used error: failure_reason metadata: meta_data }',
    answers: ({ id }) => known(id, (key) => ({ id: key, state: 'done', image_url: picture(key), credits_used: 3.5 })),
    reads: (id) => ({ id, status: 'done', url: picture(id), creditCost: 3.5 }),
  },
  {
    fixture: 'where-unique',
    submitField: 'createGeneration',
    asks: 'generation(where: {id: "one"}) { id status: state output { files { downloadUrl } } error: failureMessage }',
    answers: ({ where }) =>
      known(at(where, 'id'), (id) => ({ id, state: 'FINISHED', output: { files: [{ downloadUrl: picture(id) }] } })),
    reads: (id) => ({ id, status: 'FINISHED', url: picture(id) }),
  },
  {
    fixture: 'prediction',
    submitField: 'createPrediction',
    asks: 'prediction(predictionId: "one") { id status output error }',
    answers: ({ predictionId }) =>
      known(predictionId, (id) => ({ id, status: 'succeeded', output: ['(no address)', picture(id)], error: null })),
    reads: (id) => ({ id, status: 'succeeded', url: picture(id) }),
  },
  {
    fixture: 'sample-result',
    asks: 'get_result(id: "one") { id status result { sample } error: details }',
    answers: ({ id }) => ({ id, status: 'Ready', result: { sample: picture(String(id)) }, details: 'took 3 s' }),
    reads: (id) => ({ id, status: 'Ready', url: picture(id), error: 'took 3 s' }),
    knowsAll: true,
  },
  {
    fixture: 'free-form-output',
    asks: 'task(uuid: "one") { id: uuid status: state output error: reason }',
    answers: ({ uuid }) =>
      known(uuid, (id) => ({
        uuid: id,
        state: 'failed',
        output: { thumbnail: 'https://cdn.example/t.png', images: [{ seed: 7, url: picture(id) }] },
        reason: { message: 'too dark' },
      })),
    reads: (id) => ({ id, status: 'failed', url: picture(id), error: 'too dark' }),
  },
  {
    fixture: 'run-together',
    submitField: 'generateimage',
    asks: 'jobstatus(jobid: "one") { id: jobid status: jobstatus imageurl creditCost: creditcost error: errormessage }',
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
    asks: 'dream(guid: "one") { id: guid status: state imageUrl }',
    answers: ({ guid }) => known(guid, (id) => ({ guid: id, state: 'done', imageUrl: picture(id) })),
    reads: (id) => ({ id, status: 'done', url: picture(id) }),
  },
  {
    fixture: 'several-candidates',
    asks: 'jobState(id: "one") { id status url creditCost }',
    answers: ({ id }) => known(id, (key) => ({ ...done(key), status: 'COMPLETED', creditCost: 10 })),
    reads: (id) => ({ ...done(id), status: 'COMPLETED', creditCost: 10 }),
  },
  {
    fixture: 'interface-answer',
    asks: 'mediaJob(id: "one") { id status mediaUrl error: failureReason }',
    answers: ({ id }) =>
      known(id, (key) => ({ __typename: 'ImageJob', id: key, status: 'error', failureReason: 'moderated' })),
    reads: (id) => ({ id, status: 'error', error: 'moderated' }),
  },
  {
    fixture: 'union-answer',
    asks: 'imageTask(taskId: "one") { id: taskId status image { src } }',
    answers: ({ taskId }) => known(taskId, (id) => ({ taskId: id, status: 'OK', image: { src: '/relative.png' } })),
    reads: (id) => ({ id, status: 'OK', url: '/relative.png' }),
  },
  {
    fixture: 'deprecated',
    asks: 'generationProgress(generationId: "one") { id status url output { url } creditCost }',
    answers: ({ generationId }) =>
      known(generationId, (id) => ({ id, status: 'done', url: null, output: { url: picture(id) } })),
    reads: (id) => ({ id, status: 'done', url: picture(id) }),
  },
  {
    fixture: 'orders-are-pictures',
    asks: 'order(id: "one") { id status pictures { url } }',
    answers: ({ id }) => known(id, (key) => ({ id: key, status: 'shipped', pictures: [] })),
    reads: (id) => ({ id, status: 'shipped' }),
  },
  {
    fixture: 'optional-argument',
    asks: 'job(id: "one") { id status url }',
    answers: ({ id }) => known(id, (key) => ({ ...done(key), status: 'DONE' })),
    reads: (id) => ({ ...done(id), status: 'DONE' }),
  },
  {
    fixture: 'status-object',
    asks: 'render(id: "one") { id status { state } file { uri } error: failure { reason } }',
    answers: ({ id }) =>
      known(id, (key) => ({
        id: key,
        status: { state: 'FAILED' },
        file: null,
        failure: { reason: 'out of paint' },
      })),
    reads: (id) => ({ id, status: 'FAILED', error: 'out of paint' }),
  },
  {
    fixture: 'arguments-inside',
    asks: 'generation(id: "one") { id status images { href } }',
    answers: ({ id }) =>
      known(id, (key) => ({
        id: key,
        status: 'ready',
        images: [{ href: picture(key) }, { href: 'https://cdn.example/2.png' }],
      })),
    reads: (id) => ({ id, status: 'ready', url: picture(id) }),
  },
  {
    fixture: 'other-jobs',
    submitField: 'order',
    asks: 'pictureProgress(of: "one") { id status url error: reason }',
    answers: ({ of }) => known(of, (id) => ({ id, status: 'FAILED', reason: 'no credits' })),
    reads: (id) => ({ id, status: 'FAILED', error: 'no credits' }),
  },
  {
    fixture: 'studio',
    submitField: 'queueJob',
    asks: 'myStudioJob(id: "one") { id status: state outputs { outputPngUrl } error: lastError }',
    answers: ({ id }) => ({
      id,
      state: 'SUCCEEDED',
      outputs: [{ outputPngUrl: null }, { outputPngUrl: picture(String(id)) }],
    }),
    reads: (id) => ({ id, status: 'SUCCEEDED', url: picture(id) }),
    knowsAll: true,
  },
];

/** In these nothing tells the status of a picture. */
export const NONE_FITTING = [
  'neighbours-only',
  'only-union',
  'wrong-arguments',
  'albums',
  'without-status',
  'wrapped-response',
] as const;
