/** Two packed programs share one listener for webhooks: whoever waits is told, in whichever of them. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { type Sandbox, type ScenarioName, startSandbox } from '../../sandbox/sandbox.ts';
import { SIGNATURE_HEADER, signWebhook } from '../../sandbox/webhooks.ts';
import { freePort } from '../support/free-port.ts';
import { decodeJpeg } from '../support/jpeg.ts';
import { type Home, type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { RawHost, textOf } from '../support/raw-host.ts';

const packed = await unpackPackage();
const sandboxes: Sandbox[] = [];
afterAll(async () => {
  await packed.close();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
});

const SECRET = 'whsec_hush-hush-hush';
const ORDER = { width: 256, height: 256, wait_seconds: 60 };
const JOB_MS = 3_000;
/** Before this no job is looked at again while events arrive. */
const FIRST_POLL_MS = 24_000;

type Server = { host: RawHost; program: RunningProgram };

/** One user of one service, who runs several hosts. */
class User {
  readonly sandbox: Sandbox;
  readonly home: Home;
  readonly port: number;

  constructor(sandbox: Sandbox, home: Home, port: number) {
    this.sandbox = sandbox;
    this.home = home;
    this.port = port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hooks/doitong`;
  }

  async serve(env: Record<string, string> = {}): Promise<Server> {
    const settings = {
      DOITONG_API_URL: this.sandbox.url,
      DOITONG_API_KEY: this.sandbox.key,
      DOITONG_WEBHOOK_URL: this.url,
      DOITONG_WEBHOOK_SECRET: SECRET,
      DOITONG_WEBHOOK_LISTEN: String(this.port),
      FLUX_LOG_LEVEL: 'debug',
    };
    const program = await packed.start(['serve'], { home: this.home, env: { ...settings, ...env } });
    const host = new RawHost(program);
    await host.handshake();
    return { host, program };
  }

  /** The statuses that the service got for its webhooks, once there are so many. */
  async delivered(count: number): Promise<number[]> {
    while (this.sandbox.inspect().webhooks.length < count) await sleep(20);
    return this.sandbox.inspect().webhooks.map(({ httpStatus }) => httpStatus);
  }

  /** Requests to the API so far. */
  asked(): number {
    return this.sandbox.inspect().requests.filter(({ path }) => path === '/graphql').length;
  }

  async post(body: object, secret: string): Promise<number> {
    const text = JSON.stringify(body);
    const headers = { [SIGNATURE_HEADER]: signWebhook(text, secret), connection: 'close' };
    return (await fetch(this.url, { method: 'POST', body: text, headers })).status;
  }
}

async function newUser(...scenarios: ScenarioName[]): Promise<User> {
  const sandbox = await startSandbox({ scenarios, webhookSecret: SECRET, jobDurationMs: JOB_MS, seed: 'process' });
  sandboxes.push(sandbox);
  return new User(sandbox, await packed.newHome(), await freePort());
}

/** Orders and waits; how long it took, and how often the service was asked meanwhile, orders included. */
async function order(user: User, { host }: Server, prompt: string): Promise<{ tookMs: number; asked: number }> {
  const [since, before] = [performance.now(), user.asked()];
  const text = textOf(await host.call('generate_image', { ...ORDER, prompt }));
  const [, file = text] = /^File: (.+)$/m.exec(text) ?? [];
  expect(await decodeJpeg(await readFile(file))).toMatchObject({ width: 256, height: 256 });
  return { tookMs: performance.now() - since, asked: user.asked() - before };
}

async function end({ program }: Server): Promise<void> {
  program.child.stdin.end();
  expect(await program.exit).toMatchObject({ code: 0, signal: null });
  expect(program.stderr()).not.toContain(SECRET);
}

describe.concurrent('webhooks', () => {
  it('reach whoever waits, through whichever program listens', async () => {
    const user = await newUser('webhooks');
    const [first, second] = [await user.serve(), await user.serve()];
    await expect(user.post({ id: 'sbx_1' }, SECRET)).rejects.toThrow();

    await order(user, first, 'a heron, polled for, since nobody knows yet that events come');
    expect(await user.delivered(1)).toEqual([200]);
    expect(first.program.stderr()).toContain('listening for webhooks');

    const reported = await order(user, second, 'an egret, ordered where nobody listens');
    expect(second.program.stderr()).toContain('the webhook port is taken');
    expect(second.program.stderr()).not.toMatch(/listening for webhooks|^warn/imu);
    expect(reported.tookMs).toBeLessThan(FIRST_POLL_MS);
    // For the time, before its first order.
    expect(reported.asked).toBe(3);

    await end(first);
    const taken = await order(user, second, 'a stork, ordered after the other has ended');
    expect(second.program.stderr()).toContain('listening for webhooks');
    expect(taken.tookMs).toBeLessThan(FIRST_POLL_MS);
    expect(taken.asked).toBe(2);
    expect(await user.delivered(3)).toEqual([200, 200, 200]);
    await end(second);
    expect(user.sandbox.inspect().charges).toHaveLength(3);
  });

  it('that are forged change nothing, in neither program', async () => {
    const user = await newUser('webhooks-forged');
    const [first, second] = [await user.serve(), await user.serve()];
    let early = textOf(await first.host.call('generate_image', { ...ORDER, prompt: 'a coot', wait_seconds: 1 }));
    while (!early.includes('(at Doitong: ')) {
      const [, job_id] = /^Job: (\S+)/mu.exec(early) ?? expect.fail(early);
      early = textOf(await first.host.call('get_job_status', { job_id }));
    }
    const [, id] = /\(at Doitong: (\S+)\)/.exec(early) ?? [];
    const lie = { id, status: 'completed', url: `${user.sandbox.url}/outputs/lie.jpg` };
    expect(await user.post(lie, 'another secret')).toBe(401);
    // Even one that is signed is no more than a reason to look.
    expect(await user.post(lie, SECRET)).toBe(200);
    const late = textOf(await second.host.call('get_job_status', { job_id: id, wait_seconds: 60 }));
    expect(late).toContain('The picture is finished and saved.');
    expect(late).toContain(`URL: ${user.sandbox.url}/outputs/${id}.jpg`);
    expect(await user.delivered(1)).toEqual([401]);
    const state = user.sandbox.inspect();
    expect(state.requests.map(({ path }) => path)).not.toContain('/outputs/lie.jpg');
    expect(state.charges).toHaveLength(1);
    await Promise.all([end(first), end(second)]);
  });

  it('for which no port can be had are a warning, and the picture comes by polling', async () => {
    const user = await newUser('webhooks');
    const server = await user.serve({ DOITONG_WEBHOOK_LISTEN: `192.0.2.1:${user.port}`, FLUX_LOG_LEVEL: 'warn' });
    const { tookMs } = await order(user, server, 'a grebe');
    expect(tookMs).toBeLessThan(FIRST_POLL_MS);
    expect(server.program.stderr()).toMatch(
      /the webhook listener could not be opened; jobs are polled.+DOITONG_WEBHOOK_LISTEN/,
    );
    expect(await user.delivered(1)).toEqual([0]);
    await end(server);
  });

  it('without a secret are refused at the start, with the settings named', async () => {
    const user = await newUser();
    const program = await packed.start(['serve'], {
      home: user.home,
      env: { DOITONG_WEBHOOK_LISTEN: '8080', DOITONG_WEBHOOK_URL: user.url },
    });
    expect(await program.exit).toMatchObject({ code: 2 });
    expect(program.stderr()).toContain(
      'DOITONG_WEBHOOK_LISTEN: it needs DOITONG_WEBHOOK_URL and DOITONG_WEBHOOK_SECRET, and DOITONG_WEBHOOK_SECRET is not set.',
    );
    expect(program.stdout()).toBe('');
  });
});
