/** A browser with the host page in it: what the viewer asked for, what went wrong there, and what left the page. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type BrowserContext, chromium, type Frame, type Page } from 'playwright-core';

const ROOT = join(import.meta.dirname, '..', '..');
export const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
export const hasChromium = existsSync(CHROMIUM);
/** Without these a browser looks for its own services at every start. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const HOST_HTML =
  '<!doctype html><html lang="en"><title>Host</title><style>body{margin:0}iframe{border:0;width:100%;height:300px}' +
  '</style><body><script src="/host.js"></script></body></html>';

export type Result = Record<string, unknown>;
export type Answers = {
  call?: (name: string, args: Record<string, unknown>) => Promise<Result> | Result;
  read?: (uri: string) => Promise<Result> | Result;
  open?: (url: string) => boolean;
};

export type Stage = {
  page: Page;
  frame: Frame;
  calls: { name: string; args: Record<string, unknown> }[];
  opened: string[];
  reported: string[];
  /** Console errors, exceptions, and requests to anywhere but the host page. */
  troubles: string[];
  input(args: Record<string, unknown>): Promise<void>;
  result(result: Result): Promise<void>;
  text(id: string): Promise<string>;
  close(): Promise<void>;
};

export type Theatre = {
  open(answers?: Answers, check?: { width?: number; theme?: 'light' | 'dark'; canCall?: boolean }): Promise<Stage>;
  close(): Promise<void>;
};

export async function openTheatre(): Promise<Theatre> {
  const files = new Map<string, [type: string, body: string]>([
    ['/', ['text/html', HOST_HTML]],
    ['/host.js', ['text/javascript', await hostScript()]],
    ['/viewer.html', ['text/html', await readFile(join(ROOT, 'dist', 'viewer.html'), 'utf8')]],
  ]);
  const server = createServer(({ url = '/' }, response) => {
    const [type, body] = files.get(url) ?? ['text/plain', ''];
    response.writeHead(files.has(url) ? 200 : 204, { 'content-type': `${type}; charset=utf-8` }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const profile = await mkdtemp(join(tmpdir(), 'flux-chromium-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: QUIET,
  });
  return {
    open: (answers = {}, check = {}) => openStage(browser, origin, answers, check),
    close: async () => {
      await browser.close();
      server.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function hostScript(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['test/viewer/host-page.ts'],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
}

async function openStage(
  browser: BrowserContext,
  origin: string,
  answers: Answers,
  { width = 720, theme = 'light', canCall = true }: { width?: number; theme?: 'light' | 'dark'; canCall?: boolean },
): Promise<Stage> {
  const page = await browser.newPage();
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) troubles.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => troubles.push(`exception: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !/^(?:data|blob|about):/u.test(request.url()))
      troubles.push(`request: ${request.url()}`);
  });
  const calls: Stage['calls'] = [];
  const opened: string[] = [];
  const reported: string[] = [];
  await page.exposeFunction('hostCall', async (name: string, args: Record<string, unknown>) => {
    calls.push({ name, args });
    return answers.call?.(name, args) ?? { content: [{ type: 'text', text: 'no answer' }], isError: true };
  });
  await page.exposeFunction('hostRead', (uri: string) => answers.read?.(uri) ?? { contents: [] });
  await page.exposeFunction('hostOpen', (url: string) => {
    opened.push(url);
    return answers.open?.(url) ?? true;
  });
  await page.exposeFunction('hostReceived', (text: string) => void reported.push(text));
  await page.goto(origin);
  await page.evaluate(`window.startHost('${theme}', ${canCall})`);
  const frame = page.frames().find((one) => one !== page.mainFrame());
  if (frame === undefined) throw new Error('the viewer has no frame');
  /** What was sent to the frame before has arrived there when it answers. */
  const give = async (what: 'giveInput' | 'giveResult', value: unknown): Promise<void> => {
    await page.evaluate(`window.${what}(${JSON.stringify(value)})`);
    await frame.evaluate('new Promise((resolve) => setTimeout(resolve, 50))');
  };
  return {
    page,
    frame,
    calls,
    opened,
    reported,
    troubles,
    input: (args) => give('giveInput', args),
    result: (result) => give('giveResult', result),
    text: async (id) => (await frame.locator(`#${id}`).textContent()) ?? '',
    close: () => page.close(),
  };
}
