/**
 * The network of an office: only the proxy knows the service's name. A real proxy (squid) resolves it from a file of
 * its own, so that what arrives has come through it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { unpackPackage } from '../support/packed-program.ts';
import { LIGHT_JPEG } from '../support/pictures.ts';
import { RawHost, type ToolResult, textOf } from '../support/raw-host.ts';
import { jobAnswer, SCRIPTED_KEY, startScriptedService } from '../support/scripted-service.ts';
import { hasSquid, type Squid, startSquid } from '../support/squid.ts';
import { startTlsFront } from '../support/tls-front.ts';

const NAME = 'api.flux.test';
const PASSWORD = 'very secret/word@1';
const USER = `clerk:${encodeURIComponent(PASSWORD)}`;
const ORDER = { prompt: 'a heron', width: 256, height: 256 };

const packed = await unpackPackage();
const installed = await hasSquid();
let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  await packed.close();
  await authority.close();
});

/** A service behind TLS whose pictures lie on its own origin. */
async function startOffice(squid: Squid | undefined) {
  let origin = '';
  const service = await startScriptedService({
    submit: () => jobAnswer({ id: 'remote-1', status: 'processing' }),
    status: () => jobAnswer({ id: 'remote-1', status: 'completed', url: `${origin}/outputs/1.jpg`, creditCost: 10 }),
    picture: () => ({ body: LIGHT_JPEG }),
  });
  const front = await startTlsFront(service.url, await authority.issue(NAME));
  closing.push(service.close, front.close);
  origin = `https://${NAME}:${front.port}`;
  const env = {
    ...service.env,
    DOITONG_API_URL: origin,
    NODE_EXTRA_CA_CERTS: authority.file,
    ...(squid === undefined ? {} : { HTTPS_PROXY: `http://${squid.address}` }),
  };
  return { service, front, origin, env };
}

async function squidOf(options: Parameters<typeof startSquid>[0] = {}): Promise<Squid> {
  const squid = await startSquid({ names: [NAME], ...options });
  closing.push(squid.close);
  return squid;
}

async function generate(env: Record<string, string>): Promise<{ answer: ToolResult; text: string; stderr: string }> {
  const program = await packed.start([], { env });
  const host = new RawHost(program);
  await host.handshake();
  const answer = await host.call('generate_image', ORDER);
  const shown = { answer, text: textOf(answer), stderr: program.stderr() };
  program.child.stdin.end();
  await program.exit;
  return shown;
}

describe.skipIf(!installed)('an order in an office with a proxy', () => {
  it('goes through it, and so does the picture', async () => {
    const squid = await squidOf();
    const { service, env } = await startOffice(squid);
    const { text } = await generate(env);
    expect(text).toContain('The picture is finished and saved.');
    expect(service.requests.map(({ kind }) => kind)).toEqual(['submit', 'status', 'picture']);
    expect(service.requests[0]?.headers.authorization).toBe(`Bearer ${SCRIPTED_KEY}`);
    for (const { headers } of service.requests) expect(headers).not.toHaveProperty('proxy-authorization');
  });

  it.each([
    ['https_proxy', (url: string) => ({ https_proxy: url })],
    ['an address without a scheme', (url: string) => ({ HTTPS_PROXY: url.replace('http://', '') })],
    ['HTTP_PROXY where it is the only one', (url: string) => ({ HTTP_PROXY: url })],
    ['https_proxy before HTTPS_PROXY', (url: string) => ({ HTTPS_PROXY: 'http://127.0.0.1:9', https_proxy: url })],
    ["HTTPS_PROXY and Node's own switch", (url: string) => ({ HTTPS_PROXY: url, NODE_USE_ENV_PROXY: '1' })],
  ])('takes %s', async (_, proxyEnv) => {
    const squid = await squidOf();
    const { service, env } = await startOffice(undefined);
    const { text } = await generate({ ...env, ...proxyEnv(`http://${squid.address}`) });
    expect(text).toContain('The picture is finished and saved.');
    expect(service.requests.filter(({ kind }) => kind === 'submit')).toHaveLength(1);
  });

  it('proves who it is to a proxy that asks, and tells nobody the password', async () => {
    const squid = await squidOf({ user: { name: 'clerk', password: PASSWORD } });
    const { service, front, env } = await startOffice(undefined);
    const { text, stderr, answer } = await generate({
      ...env,
      HTTPS_PROXY: `http://${USER}@${squid.address}`,
      FLUX_LOG_LEVEL: 'debug',
    });
    expect(text).toContain('The picture is finished and saved.');
    expect(service.requests).toHaveLength(3);
    const shown = JSON.stringify(answer) + stderr + front.received();
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)]) expect(shown).not.toContain(secret);
  });

  it('that the proxy refuses for want of a password was not sent, and names the proxy without one', async () => {
    const squid = await squidOf({ user: { name: 'clerk', password: PASSWORD } });
    const { service, env } = await startOffice(undefined);
    const { answer, text } = await generate({ ...env, HTTPS_PROXY: `http://clerk:wrong-word-1@${squid.address}` });
    expect(answer.isError).toBe(true);
    expect(text).toContain(`the proxy http://${squid.address} (HTTPS_PROXY) wants a valid user name and password`);
    expect(text).toContain('No credits were spent');
    expect(text).not.toContain('wrong-word-1');
    expect(service.requests).toEqual([]);
    // The question for the schema and the order itself; neither is tried again.
    expect(await squid.requests()).toHaveLength(2);
  });

  it('that the proxy does not let through was not sent', async () => {
    const squid = await squidOf({ denied: [NAME] });
    const { service, env } = await startOffice(squid);
    const { text } = await generate(env);
    expect(text).toContain(`did not let the connection to ${NAME} through (HTTP 403)`);
    expect(text).toContain('No credits were spent');
    expect(text).toContain('NO_PROXY');
    expect(service.requests).toEqual([]);
  });

  it('that the proxy cannot deliver was not sent', async () => {
    const squid = await squidOf();
    const { service, front, env } = await startOffice(squid);
    await front.close();
    const { text } = await generate(env);
    expect(text).toContain(`could not reach ${NAME} (HTTP 503)`);
    expect(text).toContain('No credits were spent');
    expect(service.requests).toEqual([]);
  });

  it('that NO_PROXY exempts goes without it', async () => {
    const squid = await squidOf();
    const { env } = await startOffice(squid);
    const { text } = await generate({ ...env, NO_PROXY: 'localhost, .flux.test' });
    expect(text).toContain(`the name ${NAME} could not be resolved`);
    expect(await squid.requests()).toEqual([]);
  });

  it('is not sent through a proxy whose tunnel ends at somebody else', async () => {
    const squid = await squidOf();
    const { service, env } = await startOffice(squid);
    const { NODE_EXTRA_CA_CERTS: _, ...untrusting } = env;
    const { text } = await generate({ ...untrusting, NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    expect(text).toContain(`the certificate of ${NAME}`);
    expect(text).toContain('NODE_EXTRA_CA_CERTS');
    expect(text).toContain('No credits were spent');
    expect(service.requests).toEqual([]);
  });

  it('shows in doctor which proxy it takes, without its password', async () => {
    const squid = await squidOf({ user: { name: 'clerk', password: PASSWORD } });
    const { env } = await startOffice(undefined);
    const program = await packed.start(['doctor'], { env: { ...env, HTTPS_PROXY: `http://${USER}@${squid.address}` } });
    await program.exit;
    expect(program.stdout()).toMatch(
      new RegExp(`^ok {4}proxy +the API and pictures go through http://${squid.address} \\(HTTPS_PROXY\\)`, 'mu'),
    );
    expect(program.stdout()).toMatch(/^ok {4}service /mu);
    expect(program.stdout() + program.stderr()).not.toContain('clerk');
  });
});

describe('a proxy', () => {
  it('is never asked for a service on this machine', async () => {
    const service = await startScriptedService({ picture: () => ({ body: LIGHT_JPEG }) });
    closing.push(service.close);
    const dead = 'http://127.0.0.1:9';
    const { text } = await generate({ ...service.env, HTTPS_PROXY: dead, HTTP_PROXY: dead, NODE_USE_ENV_PROXY: '1' });
    expect(text).toContain('The picture is finished and saved.');
  });

  it('that is not there is named, and nothing was sent', async () => {
    const { service, env } = await startOffice(undefined);
    const { text } = await generate({ ...env, HTTPS_PROXY: `http://${USER}@127.0.0.1:9` });
    expect(text).toContain('the proxy http://127.0.0.1:9 (HTTPS_PROXY) could not be used: the connection was refused.');
    expect(text).toContain('No credits were spent');
    expect(text).not.toContain('secret');
    expect(service.requests).toEqual([]);
  });

  it.each(['socks5://clerk:secret-word@proxy.corp:1080', 'http://clerk:secret-word@proxy.corp:x'])(
    'whose address cannot be used ends the start, by the name of its variable alone',
    async (HTTPS_PROXY) => {
      const program = await packed.start([], { env: { HTTPS_PROXY } });
      expect((await program.exit).code).toBe(2);
      expect(program.stderr()).toContain('HTTPS_PROXY: the value (not shown) is not allowed.');
      expect(program.stderr()).not.toContain('secret-word');
    },
  );
});
