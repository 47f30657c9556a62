/** Proves where pictures go by default, and how a path that was set is read. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, platform, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.ts';
import { FluxError } from '../../../src/core/failure.ts';
import {
  expandHome,
  otherPartitions,
  outputFolder,
  partitionFolder,
  sandboxFolder,
  serviceName,
  servicesFolder,
  stateFolder,
} from '../../../src/storage/paths.ts';
import { wordsOf } from '../../support/words.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'flux-home-'));
  vi.stubEnv('HOME', home);
  vi.stubEnv('USERPROFILE', home);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

describe('expandHome', () => {
  it('puts the home in place of a leading tilde, and only there', () => {
    expect(expandHome('~', 'X')).toBe(homedir());
    expect(expandHome('~/pictures', 'X')).toBe(join(homedir(), 'pictures'));
    expect(expandHome(resolve('/srv/~/x'), 'X')).toBe(resolve('/srv/~/x'));
  });
});

describe('outputFolder', () => {
  it('is the one that was set', async () => {
    expect(await outputFolder({ outputDir: resolve('/srv/pictures') })).toBe(resolve('/srv/pictures'));
    expect(await outputFolder({ outputDir: '~/p' })).toBe(join(home, 'p'));
  });

  it('is flux-pro in the Pictures folder when none was set', async () => {
    expect(await outputFolder({})).toBe(join(home, 'Pictures', 'flux-pro'));
  });

  it.runIf(platform() === 'linux').each([
    ['XDG_PICTURES_DIR="$HOME/Bilder"', ['Bilder', 'flux-pro']],
    ['# comment\nXDG_MUSIC_DIR="$HOME/Musik"\nXDG_PICTURES_DIR="$HOME/Bilder"\n', ['Bilder', 'flux-pro']],
    ['XDG_PICTURES_DIR="$HOME/"', ['Pictures', 'flux-pro']],
    ['XDG_PICTURES_DIR="relative"', ['Pictures', 'flux-pro']],
  ])('follows the desktop: %j', async (text, expected) => {
    await mkdir(join(home, '.config'));
    await writeFile(join(home, '.config', 'user-dirs.dirs'), text);
    expect(await outputFolder({})).toBe(join(home, ...expected));
  });
});

describe.runIf(platform() === 'linux')('the variables of a desktop', () => {
  it('say where state and pictures are', async () => {
    expect(stateFolder({ folderVariables: { XDG_STATE_HOME: '/srv/state' } })).toBe('/srv/state/flux-pro-mcp');
    expect(await outputFolder({ folderVariables: { XDG_PICTURES_DIR: '/srv/Bilder' } })).toBe('/srv/Bilder/flux-pro');
    await mkdir(join(home, 'settings'));
    await writeFile(join(home, 'settings', 'user-dirs.dirs'), 'XDG_PICTURES_DIR="$HOME/Fotos"\n');
    expect(await outputFolder({ folderVariables: { XDG_CONFIG_HOME: join(home, 'settings') } })).toBe(
      join(home, 'Fotos', 'flux-pro'),
    );
  });

  it('count as not set where they hold no absolute path', async () => {
    for (const path of ['state', './state', '~/state', '']) {
      const variables = { XDG_STATE_HOME: path, XDG_PICTURES_DIR: path, XDG_CONFIG_HOME: path };
      expect(stateFolder({ folderVariables: variables })).toBe(join(home, '.local', 'state', 'flux-pro-mcp'));
      expect(await outputFolder({ folderVariables: variables })).toBe(join(home, 'Pictures', 'flux-pro'));
    }
  });

  it('say by the home itself that there is no such folder', async () => {
    expect(await outputFolder({ folderVariables: { XDG_PICTURES_DIR: home } })).toBe(
      join(home, 'Pictures', 'flux-pro'),
    );
  });

  it('are overruled by the setting', async () => {
    expect(stateFolder({ stateDir: '/srv/s', folderVariables: { XDG_STATE_HOME: '/srv/state' } })).toBe('/srv/s');
    expect(await outputFolder({ outputDir: '/srv/p', folderVariables: { XDG_PICTURES_DIR: '/srv/Bilder' } })).toBe(
      '/srv/p',
    );
  });
});

describe.runIf(platform() === 'linux')('a user whose home is no path', () => {
  beforeEach(() => vi.stubEnv('HOME', 'here'));
  const refusal = async (find: () => unknown): Promise<FluxError> => {
    try {
      throw new Error(`found ${await find()}`);
    } catch (error) {
      if (error instanceof FluxError) return error;
      throw error;
    }
  };

  it('is told which settings help, before anything is sent', async () => {
    for (const find of [() => stateFolder({}), () => outputFolder({}), () => outputFolder({ outputDir: '~/p' })]) {
      const error = await refusal(find);
      expect(error.failure).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no', retry: 'no' });
      const { what, next } = wordsOf(error);
      expect(what).toMatch(/no home folder.*FLUX_(?:STATE|OUTPUT)_DIR needs an absolute path/);
      expect(next).toMatch(/FLUX_STATE_DIR and FLUX_OUTPUT_DIR/);
    }
  });

  it('needs none where the folders are named', async () => {
    expect(stateFolder({ stateDir: '/srv/s' })).toBe('/srv/s');
    expect(stateFolder({ folderVariables: { XDG_STATE_HOME: '/srv/state' } })).toBe('/srv/state/flux-pro-mcp');
    expect(await outputFolder({ folderVariables: { XDG_PICTURES_DIR: '/srv/Bilder' } })).toBe('/srv/Bilder/flux-pro');
  });
});

describe('partitionFolder and serviceName', () => {
  const root = resolve('/srv/state');
  const ORIGINS = ['https://api.doitong.com', 'https://api.doitong.com:8443', 'http://api.doitong.com'];

  it('keep services apart, and show no key', () => {
    const paths = ORIGINS.flatMap((origin) => [
      partitionFolder(root, origin, 'dt_live_12345678'),
      partitionFolder(root, origin, 'dt_live_87654321'),
      join(root, serviceName(origin)),
    ]);
    expect(new Set(paths).size).toBe(9);
    for (const path of paths) {
      expect(path).toContain('api.doitong.com-');
      expect(path).not.toContain('dt_live');
      expect(path.startsWith(root)).toBe(true);
    }
  });

  it('name the same place as ever: what is on record there must be found again', () => {
    expect(partitionFolder(root, 'https://api.doitong.com', 'dt_live_12345678')).toBe(
      join(root, 'api.doitong.com-74542ffd3ea76ab0-key-7ee163edd4afe16f'),
    );
    expect(serviceName('http://[::1]:4000')).toMatch(/^___1_-[0-9a-f]{16}$/u);
  });

  it('are the same for every spelling of an origin', () => {
    const spellings = [
      'https://bücher.example',
      'https://BÜCHER.example/',
      'https://xn--bcher-kva.example:443',
      'HTTPS://xn--bcher-kva.example.',
      'https://bu\u0308cher.example.:443/',
    ];
    const folders = spellings.map((text) => {
      const loaded = loadConfig({}, { DOITONG_API_URL: text });
      if (!loaded.ok) throw new Error(`${text} is refused`);
      return partitionFolder(root, loaded.config.apiUrl, 'dt_live_12345678');
    });
    expect([...new Set(folders)]).toEqual([expect.stringContaining('xn--bcher-kva.example-')]);
  });
});

describe('otherPartitions', () => {
  it('finds those of other keys and services, and nothing else', async () => {
    const root = await mkdtemp(join(tmpdir(), 'flux-paths-'));
    const [origin, other] = ['https://api.doitong.com', 'https://api.doitong.com:8443'];
    const own = partitionFolder(root, origin, 'key-of-today');
    const earlier = partitionFolder(root, origin, 'key-of-before');
    const elsewhere = partitionFolder(root, other, 'key-of-today');
    const rest = [sandboxFolder(root), servicesFolder(root), join(root, serviceName(origin))];
    for (const folder of [own, earlier, elsewhere, ...rest]) await mkdir(folder);
    const found = await otherPartitions(root, own);
    await rm(root, { recursive: true });
    expect(found.toSorted((one, two) => Number(two.isSameService) - Number(one.isSameService))).toEqual([
      { folder: earlier, isSameService: true },
      { folder: elsewhere, isSameService: false },
    ]);
    expect(await otherPartitions(root, own)).toEqual([]);
  });
});
