/** Users without a home, and desktops that keep state and pictures elsewhere. */
import { accessSync, constants } from 'node:fs';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { jpegOf } from '../support/pictures.ts';
import { RawHost, textOf } from '../support/raw-host.ts';
import { startScriptedService } from '../support/scripted-service.ts';

const packed = await unpackPackage();
const picture = await jpegOf(64, 64);
const service = await startScriptedService({ picture: () => ({ body: picture }) });
afterAll(async () => {
  await packed.close();
  await service.close();
});

const ORDER = { prompt: 'A kite', width: 256, height: 256 };
const NOBODY = 54_321;

/** Only root can become another user; `setpriv` is a part of util-linux. */
const canBecomeNobody = ((): boolean => {
  try {
    accessSync('/usr/bin/setpriv', constants.X_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();
if (!canBecomeNobody) console.warn('a user without a home is not tried here: that takes root and setpriv');

/** As a user of a number that no file of the system knows, with these variables alone. */
async function startAsNobody(args: string[], env: Record<string, string>): Promise<RunningProgram> {
  await chmod(dirname(packed.folder), 0o755);
  const all = { PATH: process.env.PATH ?? '', ...env };
  const assigned = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  const become = [`--reuid=${NOBODY}`, '--clear-groups', 'env', '-i', ...assigned];
  return packed.start([...become, process.execPath, packed.main, ...args], { command: 'setpriv' });
}

async function order(program: RunningProgram): Promise<{ text: string; isError: boolean }> {
  const host = new RawHost(program);
  await host.handshake();
  expect(await host.toolNames()).toContain('generate_image');
  const answer = await host.call('generate_image', ORDER);
  return { text: textOf(answer), isError: answer.isError ?? false };
}

describe.runIf(canBecomeNobody)('a user without a home', () => {
  afterEach(() => service.requests.splice(0));

  it.each([
    ['no variable', {}, 'FLUX_STATE_DIR'],
    ['a relative HOME', { HOME: 'here' }, 'FLUX_STATE_DIR'],
    ['an empty HOME', { HOME: '' }, 'FLUX_STATE_DIR'],
    ['a state folder alone', { FLUX_STATE_DIR: '/tmp' }, 'FLUX_OUTPUT_DIR'],
    ['settings that begin with ~', { FLUX_STATE_DIR: '~/s', FLUX_OUTPUT_DIR: '~/p' }, 'FLUX_STATE_DIR'],
  ])('and with %s is told which setting to make, and nothing is sent', async (_, env, setting) => {
    const { text, isError } = await order(await startAsNobody([], { ...service.env, ...env }));
    expect(isError).toBe(true);
    expect(text).toContain(`This user has no home folder`);
    expect(text).toContain(`${setting} needs an absolute path`);
    expect(text).toContain('No credits were spent.');
    expect(text).toMatch(/Next: Ask the user to set FLUX_STATE_DIR and FLUX_OUTPUT_DIR/);
    expect(service.requests).toEqual([]);
  });

  it('is told so by doctor, too, with all else that it found', async () => {
    const doctor = await startAsNobody(['doctor'], service.env);
    expect((await doctor.exit).code).toBe(1);
    expect(doctor.stdout()).toMatch(/^FAIL {2}state_folder .*no home folder.* → Set FLUX_STATE_DIR/m);
    expect(doctor.stdout()).toMatch(/^FAIL {2}output_folder .*no home folder/m);
    expect(doctor.stdout()).toMatch(/^ok {4}key /m);
    expect(doctor.stderr()).toBe('');
  });

  it('gets the picture where both folders are named', async () => {
    const home = await packed.newHome();
    const folders = { FLUX_STATE_DIR: join(home.folder, 'state'), FLUX_OUTPUT_DIR: join(home.folder, 'tmp') };
    for (const folder of Object.values(folders)) await chmod(folder, 0o777);
    await chmod(dirname(home.folder), 0o755);
    const { text } = await order(await startAsNobody([], { ...service.env, ...folders }));
    expect(text).toContain('The picture is finished and saved.');
  });
});

describe.runIf(process.platform === 'linux')('the folders of a desktop', () => {
  it('are used: XDG_STATE_HOME and XDG_PICTURES_DIR', async () => {
    const home = await packed.newHome();
    const pictures = join(home.folder, 'data');
    const program = await packed.start([], { home, env: { ...service.env, XDG_PICTURES_DIR: pictures } });
    expect((await order(program)).text).toContain(`File: ${join(pictures, 'flux-pro')}`);
    expect(await readdir(join(home.folder, 'state'))).toEqual(['flux-pro-mcp']);
    expect(await readdir(join(home.folder, 'user'))).toEqual([]);
  });

  it('are found in user-dirs.dirs below XDG_CONFIG_HOME', async () => {
    const home = await packed.newHome();
    await writeFile(join(home.folder, 'config', 'user-dirs.dirs'), 'XDG_PICTURES_DIR="$HOME/Bilder"\n');
    const program = await packed.start([], { home, env: service.env });
    expect((await order(program)).text).toContain(`File: ${join(home.folder, 'user', 'Bilder', 'flux-pro')}`);
  });

  it('count as not set where they are relative or empty', async () => {
    for (const path of ['relative', '']) {
      const home = await packed.newHome();
      const env = { ...service.env, XDG_STATE_HOME: path, XDG_PICTURES_DIR: path, XDG_CONFIG_HOME: path };
      const program = await packed.start([], { home, env });
      expect((await order(program)).text).toContain(`File: ${join(home.folder, 'user', 'Pictures', 'flux-pro')}`);
      expect(await readdir(join(home.folder, 'user', '.local', 'state'))).toEqual(['flux-pro-mcp']);
      expect(await readdir(home.cwd)).toEqual([]);
    }
  });
});
