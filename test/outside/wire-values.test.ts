/** Values of the wire in other forms than the page shows: ids, prices and statuses are read without loss. */
import { afterAll, describe, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';
import { LIGHT_JPEG } from '../support/pictures.ts';
import { RawHost } from '../support/raw-host.ts';
import { type ScriptedAnswer, type ScriptedRequest, startScriptedService } from '../support/scripted-service.ts';

/** JSON that is written by hand: `JSON.stringify` could not write these numbers. */
const json = (text: string): ScriptedAnswer => ({ headers: { 'content-type': 'application/json' }, body: text });
const jobJson = (job: string): ScriptedAnswer => json(`{"data":{"job":${job}}}`);

type JobObject = { doitong_id: string; status: string; credits: { exact?: number | null } };

// One program for all orders: what they differ in is what the service says.
const packed = await unpackPackage();
let submitted = '';
let status: (request: ScriptedRequest) => ScriptedAnswer = () => jobJson('null');
const service = await startScriptedService({
  submit: () => jobJson(submitted),
  status: (request) => status(request),
  picture: () => ({ body: LIGHT_JPEG }),
});
const program = await packed.start([], {
  env: {
    ...service.env,
    DOITONG_PLAN: 'enterprise',
    FLUX_RESULT: 'text,structured',
    FLUX_CONFIRM_ABOVE_CREDITS: '100000',
    FLUX_MAX_CREDITS_PER_DAY: '100000',
  },
});
const host = new RawHost(program);
await host.handshake();
afterAll(async () => {
  await packed.close();
  await service.close();
});

let orders = 0;
async function order(): Promise<{ job: JobObject; asked: string[]; submits: number; stderr: string }> {
  const [requestsBefore, stderrBefore] = [service.requests.length, program.stderr().length];
  orders += 1;
  const answer = await host.call('generate_image', { prompt: `heron ${orders}`, width: 256, height: 256 });
  const requests = service.requests.slice(requestsBefore);
  return {
    job: (answer as unknown as { structuredContent: JobObject }).structuredContent,
    asked: requests.filter(({ kind }) => kind === 'status').map(({ body }) => JSON.parse(body).query as string),
    submits: requests.filter(({ kind }) => kind === 'submit').length,
    stderr: program.stderr().slice(stderrBefore),
  };
}

const done = (id: string, more = ''): string =>
  `{"id":${id},"status":"completed","url":"${service.url}/outputs/1.jpg"${more}}`;

describe('an id', () => {
  it.each([
    ['12345678901234567890', '12345678901234567890'],
    ['9007199254740993', '9007199254740993'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['1.2345678901234567890e19', '12345678901234567890'],
    ['1e21', '1000000000000000000000'],
    ['1e3', '1000'],
    ['1000.0', '1000'],
    ['0', '0'],
    ['1.5', '1.5'],
    ['"007"', '007'],
    ['"1e3"', '1e3'],
    ['"12345678901234567890"', '12345678901234567890'],
  ])('that is sent as %s is asked for as %s', async (sent, id) => {
    submitted = `{"id":${sent},"status":"processing"}`;
    status = () => jobJson(done(sent));
    const { job, asked, submits } = await order();
    expect(job).toMatchObject({ doitong_id: id, status: 'completed' });
    expect(asked).toEqual([expect.stringContaining(`job(id: "${id}")`)]);
    expect(submits).toBe(1);
  });
});

describe('a price', () => {
  it.each<[string, number | undefined]>([
    ['12', 12],
    ['12.50', 12.5],
    ['1e1', 10],
    ['"12.50"', 12.5],
    ['"1e1"', 10],
    ['" 12 credits "', 12],
    ['500', 500],
    ['[12]', undefined],
    // What cannot be read for certain is not guessed at.
    ['"1,5"', undefined],
    ['"0x10"', undefined],
    ['"NaN"', undefined],
    ['"Infinity"', undefined],
    ['"12 USD"', undefined],
    ['1e400', undefined],
    ['-3', undefined],
    ['"-3"', undefined],
    ['true', undefined],
    ['null', undefined],
    ['{"amount":12}', undefined],
    // Ten times the list's upper end: no price, or nothing could be ordered until midnight.
    ['501', undefined],
    ['1000000000000000', undefined],
    ['"1000000000000000000000"', undefined],
  ])('that is told as %s is taken as %s', async (reported, exact) => {
    submitted = done('"a"', `,"creditCost":${reported}`);
    const { job, stderr } = await order();
    expect(job.status).toBe('completed');
    expect(job.credits.exact ?? undefined).toBe(exact);
    expect(stderr.includes('A price that cannot be right is not taken')).toBe(/\d00000|501/u.test(reported));
  });
});

describe('a status', () => {
  it.each(['"COMPLETED"', '" Completed "', '{"name":"completed"}', '{"value":"Done"}', '["completed"]'])(
    'that is told as %s ends the job',
    async (reported) => {
      submitted = `{"id":"a","status":${reported},"url":"${service.url}/outputs/1.jpg"}`;
      expect((await order()).job.status).toBe('completed');
    },
  );

  it.each(['"InProgress"', '"IN-PROGRESS"', '"in progress"', '{"state":"RUNNING"}'])(
    'that is told as %s goes on, and is no surprise',
    async (reported) => {
      submitted = `{"id":"a","status":${reported}}`;
      status = () => jobJson(done('"a"'));
      const { job, stderr } = await order();
      expect(job.status).toBe('completed');
      expect(stderr).not.toContain('A job status is treated as still processing');
    },
  );

  it('that nobody foresaw is logged as it came', async () => {
    submitted = '{"id":"a","status":2}';
    status = () => jobJson(done('"a"'));
    const { job, stderr } = await order();
    expect(job.status).toBe('completed');
    expect(stderr).toContain('"status":"2"');
  });
});

describe('an argument that is a number', () => {
  it('gets the id as its digits', async () => {
    const id = '12345678901234567890';
    submitted = `{"id":${id},"status":"processing"}`;
    status = ({ body }) =>
      body.includes(`(id: ${id})`)
        ? jobJson(done(id))
        : { status: 400, body: { errors: [{ message: `BigInt cannot represent non-integer value: "${id}"` }] } };
    const { job, asked } = await order();
    expect(job).toMatchObject({ doitong_id: id, status: 'completed' });
    expect(asked.at(-1)).toContain(`job(id: ${id})`);
  });
});
