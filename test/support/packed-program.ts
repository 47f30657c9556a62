/** The package as users get it: packed by npm, unpacked into a clean folder, started with a bare environment. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const CHECKOUT = dirname(dirname(import.meta.dirname));

export type Exit = {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** `performance.now()` when the process was gone. */
  at: number;
};

/** A user's folders, empty, and the environment that points to them. */
export type Home = { folder: string; cwd: string; env: Record<string, string> };

export type RunningProgram = {
  child: ChildProcessWithoutNullStreams;
  home: Home;
  stdout(): string;
  stderr(): string;
  /** When the process is gone and all that it printed has been read. */
  exit: Promise<Exit>;
};

export type StartOptions = { env?: Record<string, string>; home?: Home; command?: string };

export type PackedPackage = {
  tarball: string;
  /** Root of the unpacked package. */
  folder: string;
  /** The bin, `dist/main.js`. */
  main: string;
  newHome(): Promise<Home>;
  /** The bin with these arguments; `command` runs something else in its place. */
  start(args: readonly string[], options?: StartOptions): Promise<RunningProgram>;
  /** Kills what still runs and removes everything. */
  close(): Promise<void>;
};

/** Another checkout with its build, so that a test can be seen to fail on an older state: `FLUX_TEST_CHECKOUT`. */
const PACKED_FROM = process.env.FLUX_TEST_CHECKOUT ?? CHECKOUT;

/** The variable with the folder in which the test files of a run share one package. */
export const SHARED_FOLDER = 'FLUX_TEST_PACKAGE';

type Package = Pick<PackedPackage, 'tarball' | 'folder'>;

/** Packs what `npm run build` left in dist/, as `npm publish` would, and unpacks it far from any node_modules. */
async function pack(into: string): Promise<void> {
  await access(join(PACKED_FROM, 'dist/main.js')).catch(() => {
    throw new Error(
      `${PACKED_FROM}/dist/main.js is missing: run "npm run build" there first, or "npm test", which does`,
    );
  });
  await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', into], { cwd: PACKED_FROM });
  await run('tar', ['-xzf', await tarballIn(into), '-C', into]);
}

async function tarballIn(folder: string): Promise<string> {
  const [archive] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  if (archive === undefined) throw new Error(`npm pack left no tarball in ${folder}`);
  return join(folder, archive);
}

/** Packed by whoever comes first. Two that come at once both pack, and one of them keeps what the other has made. */
async function sharedPackage(shared: string): Promise<Package> {
  const final = join(shared, 'packed');
  if ((await stat(final).catch(() => undefined)) === undefined) {
    const own = await mkdtemp(join(shared, 'packing-'));
    await chmod(own, 0o755);
    await pack(own);
    await rename(own, final).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  }
  return { tarball: await tarballIn(final), folder: join(final, 'package') };
}

/** The package of this run, and a place of the caller's own to start it in. */
export async function unpackPackage(): Promise<PackedPackage> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'flux-packed-')));
  const shared = process.env[SHARED_FOLDER];
  const { tarball, folder } = await sharedPackage(shared ?? root);
  const main = join(folder, 'dist/main.js');
  await assertAlone(folder);

  const running = new Set<RunningProgram>();
  let homes = 0;
  const newHome = (): Promise<Home> => {
    homes += 1;
    return makeHome(join(root, `home-${homes}`));
  };
  return {
    tarball,
    folder,
    main,
    newHome,
    start: async (args, options = {}) => {
      const home = options.home ?? (await newHome());
      const [command, first] = options.command === undefined ? [process.execPath, [main]] : [options.command, []];
      const env = { ...home.env, ...options.env };
      const child = spawn(command, [...first, ...args], { cwd: home.cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
      const program = receiveStatus(child, home);
      running.add(program);
      program.exit.then(
        () => running.delete(program),
        () => running.delete(program),
      );
      return program;
    },
    close: async () => {
      const left = [...running];
      for (const { child } of left) child.kill('SIGKILL');
      await Promise.allSettled(left.map(({ exit }) => exit));
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Node looks for packages in every folder above. */
async function assertAlone(folder: string): Promise<void> {
  for (let above = folder; ; above = dirname(above)) {
    const found = await stat(join(above, 'node_modules')).catch(() => undefined);
    if (found !== undefined)
      throw new Error(`${above}/node_modules can be reached from ${folder}: set TMPDIR elsewhere`);
    if (above === dirname(above)) return;
  }
}

async function makeHome(folder: string): Promise<Home> {
  const folders = {
    HOME: 'user',
    TMPDIR: 'tmp',
    XDG_CONFIG_HOME: 'config',
    XDG_DATA_HOME: 'data',
    XDG_STATE_HOME: 'state',
    XDG_CACHE_HOME: 'cache',
    XDG_RUNTIME_DIR: 'runtime',
  };
  const env: Record<string, string> = {
    // The checkout's node_modules/.bin, which npm puts into PATH, is not for the program under test.
    PATH: [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
  };
  for (const [name, subfolder] of Object.entries(folders)) {
    env[name] = join(folder, subfolder);
    await mkdir(env[name], { recursive: true });
  }
  const cwd = join(folder, 'cwd');
  await mkdir(cwd);
  return { folder, cwd, env };
}

function receiveStatus(child: ChildProcessWithoutNullStreams, home: Home): RunningProgram {
  let stdout = '';
  let stderr = '';
  let at = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  // A program that is gone no longer reads; what matters then is its exit.
  child.stdin.on('error', () => undefined);
  const exit = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => {
      at = performance.now();
    });
    child.on('close', (code, signal) => resolve({ code, signal, at }));
  });
  exit.catch(() => undefined);
  return { child, home, stdout: () => stdout, stderr: () => stderr, exit };
}
